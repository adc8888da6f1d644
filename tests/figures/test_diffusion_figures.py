"""Figures of diffusion, of a model that knows its only image."""

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.figures import diffusion as figures
from genjax_zoo.models.diffusion._diffusion import diffusion
from genjax_zoo.models.diffusion._space import space_of
from genjax_zoo.prob import schedules
from tests.figures.test_figures import run_of
from tests.figures.test_pictures import scale_of, tiles

FIELDS = {"image": Field((4, 4, 1), np.uint8, 17)}


IMAGE = np.random.default_rng(0).integers(0, 17, (4, 4, 1), np.uint8)


def drawn(figure, folder):
  """The tiles [rows, columns, 4, 4] of a figure of it, in [0, 1]."""
  test = {"image": np.repeat(IMAGE[None], 8, 0), "weight": np.ones(8, np.float32)}
  space = space_of(FIELDS)
  only = space.to_floats({"image": jnp.asarray(IMAGE)[None]})
  denoise = lambda params, state, x, level, c={}: jnp.broadcast_to(only, x.shape)
  path = lambda steps: schedules.respaced(schedules.cosine(100), steps)
  model = diffusion(space, None, None, denoise, path, steps=20)
  data = Dataset("one", FIELDS, {"test": test})
  return figure(run_of(model, data, folder), data, test, None)[0]


def strip(picture):
  return tiles(picture, 4, 4, scale_of(picture, 11, 4))[..., 0] / 255


def test_the_forward_strip_begins_at_the_data(tmp_path):
  found = strip(drawn(figures.forward_strip, tmp_path))
  assert found.shape == (4, 11, 4, 4)
  np.testing.assert_allclose(found[0, 0], IMAGE[..., 0] / 16, atol=0.003)
  assert np.abs(found[:, -1] - IMAGE[None, ..., 0] / 16).mean() > 0.2


def test_below_each_sample_is_the_estimate_of_the_data(tmp_path):
  found = strip(drawn(figures.reverse_strip, tmp_path))
  assert found.shape == (8, 11, 4, 4)
  np.testing.assert_allclose(
    found[1::2], np.broadcast_to(IMAGE[..., 0] / 16, (4, 11, 4, 4)), atol=0.003
  )
  far = np.abs(found[::2] - IMAGE[None, None, ..., 0] / 16).mean((0, 2, 3))
  assert far[-1] < far[0] / 2


def test_hidden_halves_are_painted_in(tmp_path):
  """Of the model's only image, given its upper half, all is there again."""
  picture = drawn(figures.inpainting, tmp_path)
  found = tiles(picture, 4, 4, scale_of(picture, 8, 4))[..., 0] / 255
  assert found.shape == (4, 8, 4, 4) and not found[1, :, 2:].any()
  np.testing.assert_allclose(
    found[[0, 2, 3]], np.broadcast_to(IMAGE[..., 0] / 16, (3, 8, 4, 4)), atol=0.003
  )


def test_errors_are_drawn(tmp_path):
  assert drawn(figures.noise_errors, tmp_path).std() > 0


def test_fields_are_those_of_the_score(tmp_path):
  """Of N(0, I) sigma times the score is -sigma x, and trajectories are drawn."""
  plane = {"x": Field((2,), np.float32)}
  denoise = lambda params, state, x, level, c={}: (
    level.alpha / (level.alpha**2 + level.sigma**2) * x
  )
  level, x = schedules.log_snr_level(jnp.asarray(-1.0)), jnp.ones((3, 2))
  np.testing.assert_allclose(
    figures.scaled_score(None, None, x, level, denoise=denoise), -level.sigma * x, rtol=1e-5
  )
  path = lambda steps: schedules.respaced(schedules.cosine(100), steps)
  model = diffusion(space_of(plane), None, None, denoise, path, steps=20)
  test = {
    "x": np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32),
    "weight": np.ones(50, np.float32),
  }
  data = Dataset("plane", plane, {"test": test})
  run = run_of(model, data, tmp_path)
  assert figures.score_fields(run, data, test, None)[0].std() > 0
  picture, caption = figures.trajectories(run, data, test, None)
  assert picture.std() > 0 and "ancestral sampling" in caption
