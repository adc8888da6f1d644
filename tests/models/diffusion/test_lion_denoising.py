"""Restored clouds: what is corrupted, what the stage is given, and what is compared."""

import jax
import numpy as np
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.diffusion import lion_denoising
from genjax_zoo.prob.clouds import chamfer, voxels

KEY = jax.random.key(0)
DATA = {"points": Field((8, 3), np.float32, ordered=False, kind="points")}
BATCH = {"points": jax.random.normal(KEY, (4, 8, 3))}
STATE = {"frozen": {"first": ({}, {})}}


def stage() -> Model:
  """A stage that moves given clouds by its `share`, and whose latents are half of a cloud."""
  return Model(
    None,
    sample=lambda params, state, key, n, given={}, share=0.0: {"points": given["points"] + share},
    encode=lambda params, state, batch, key: {"h": batch["points"] / 2},
    decode=lambda params, state, latents, key: {"points": latents["h"]},
    parts={"noise": lambda params, state, batch, key: {}},
  )


def test_distances_are_those_of_what_is_restored_corrupted_and_decoded():
  model = lion_denoising.model(DATA, first=stage(), corruption="voxels", amount=0.5, share=0.25)
  clouds = model.parts["restorations"]({}, STATE, BATCH, KEY)
  corrupted = voxels(KEY, BATCH["points"], 0.5)
  np.testing.assert_array_equal(clouds["corrupted"], corrupted)
  np.testing.assert_array_equal(clouds["baseline"], corrupted / 2)
  np.testing.assert_array_equal(clouds["restored"], corrupted + 0.25)
  found = model.evaluate({}, STATE, BATCH, KEY)
  distance = lambda x: chamfer(x, BATCH["points"])
  np.testing.assert_allclose(found["chamfer"], distance(corrupted + 0.25))
  np.testing.assert_allclose(found["chamfer_of_corrupted"], distance(corrupted))
  np.testing.assert_allclose(found["chamfer_of_decoded"], distance(corrupted / 2))
  np.testing.assert_array_equal(found["chamfer_of_real"], 0)


def test_distances_are_those_to_the_surface_where_it_is_there():
  model = lion_denoising.model(DATA, first=stage())
  surface = BATCH["points"][:, ::2] + 0.1
  found = model.evaluate({}, STATE, BATCH | {"surface": surface}, KEY)
  np.testing.assert_allclose(found["chamfer_of_real"], chamfer(BATCH["points"], surface))


def test_unknown_corruptions_and_other_stages_are_refused():
  with pytest.raises(UserError, match=r"model.corruption='fog'; there are jitter, voxels"):
    lion_denoising.model(DATA, first=stage(), corruption="fog")
  with pytest.raises(UserError, match=r"model.share=1.5: take 0 to 1"):
    lion_denoising.model(DATA, first=stage(), share=1.5)
  with pytest.raises(UserError, match="take lion"):
    lion_denoising.model(DATA, first=stage()._replace(parts={}))
