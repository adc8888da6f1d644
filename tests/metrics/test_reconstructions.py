"""Reconstructions: equal images lose nothing, and every block of a split is decoded once."""

import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, Model
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.metrics import quality
from genjax_zoo.metrics.features import Features
from genjax_zoo.metrics.reconstructions import (
  reconstructed,
  reconstruction_quality,
  reconstructs,
)
from genjax_zoo.metrics.restoration import gradient_ratio, laplacian_ratio, psnr, ssim
from genjax_zoo.run import Run
from genjax_zoo.sharding import make_mesh

IMAGES = np.random.default_rng(0).integers(0, 17, (24, 8, 8, 1)).astype(np.uint8)
FIELDS = {"image": Field((8, 8, 1), np.uint8, 17)}
# The first two pixels: a Frechet distance needs few examples.
PIXELS = Features("pixels", lambda batch: (batch["image"].reshape(-1, 64)[:, :2] / 16.0, None))


def halving(factor: int) -> Model:
  """A first stage that loses the value of a pixel modulo `factor`."""
  return Model(
    lambda *_: ({}, {}),
    encode=lambda params, state, batch, key: {"codes": batch["image"] // factor},
    decode=lambda params, state, latents, key: {
      "image": (latents["codes"] * factor).astype(jnp.uint8)
    },
  )


def run_of(model) -> Run:
  return Run(model, {}, {}, {}, FIELDS, 0, None, make_mesh())


def dataset_of(**changes) -> Dataset:
  return Dataset("blocks", FIELDS, {"train": {}, "test": {"image": IMAGES}}, **changes)


def test_what_is_measured_is_that_of_all_images_against_their_originals(monkeypatch):
  monkeypatch.setattr(quality, "BATCH", 10)
  found = reconstruction_quality(run_of(halving(4)), dataset_of(), PIXELS)
  made = IMAGES // 4 * 4
  np.testing.assert_array_equal(reconstructed(run_of(halving(4)), {"image": IMAGES})["image"], made)
  assert found["psnr"] == pytest.approx(psnr(IMAGES, made, 17).mean())
  assert found["ssim"] == pytest.approx(ssim(IMAGES, made, 17).mean())
  assert found["gradient_ratio"] == pytest.approx(gradient_ratio(IMAGES, made))
  assert found["laplacian_ratio"] == pytest.approx(laplacian_ratio(IMAGES, made))
  assert found["fid"] > 0 < found["perceptual"]
  assert (found["features"], found["examples"]) == ("pixels", 24)
  same = reconstruction_quality(run_of(halving(1)), dataset_of(), PIXELS)
  assert same["psnr"] == 100 and same["ssim"] == pytest.approx(1)
  assert same["gradient_ratio"] == same["laplacian_ratio"] == 1
  assert same["fid"] == pytest.approx(0, abs=1e-6)


def test_the_judge_of_the_data_reads_reconstructions_and_features_may_be_missing():
  judge = lambda samples, given: {"even": (samples["image"][:, 0, 0, 0] % 2 == 0) * 1.0}
  found = reconstruction_quality(run_of(halving(2)), dataset_of(judge=judge), None)
  assert found["even"] == 1 and "fid" not in found and "perceptual" not in found


def test_first_stages_alone_are_judged_by_their_reconstructions():
  stage = halving(2)
  assert reconstructs(stage, dataset_of())
  assert not reconstructs(stage._replace(sample=lambda: 0), dataset_of())
  assert not reconstructs(stage._replace(decode=None), dataset_of())
  table = Dataset("table", {"x": Field((2,), np.float32)}, {})
  assert not reconstructs(stage, table)
