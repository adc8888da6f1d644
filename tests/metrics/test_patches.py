"""Patches as codes: exact of as many kinds as there are codes, and one mean is that of all."""

import numpy as np
import pytest

from genjax_zoo.core import Field, Model
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.metrics.patches import as_means, one_grid, patch_means, patches_psnr

RNG = np.random.default_rng(0)
KINDS = RNG.integers(0, 256, (4, 2, 2, 3))


def images(n, noise=0.0):
  """Images [n, 4, 6, 3] of patches of four kinds, of values in [0, 256) and noise."""
  rows = KINDS[RNG.integers(0, 4, (n, 2, 3))].swapaxes(2, 3).reshape(n, 4, 6, 3)
  return np.clip(rows + noise * RNG.normal(size=rows.shape), 0, 255)


def stage(codes=4, shape=(2, 3)):
  return Model(lambda *_: ({}, {}), latents={"codes": Field(shape, np.int32, codes)})


def dataset():
  fields = {"image": Field((4, 6, 3), np.uint8, 256, kind="image")}
  splits = {k: {"image": images(n).astype(np.uint8)} for k, n in (("train", 60), ("test", 20))}
  return Dataset("blocks", fields, splits)


def test_as_many_kinds_of_patches_as_codes_lose_nothing():
  assert patches_psnr(stage(), dataset()) == {"patches_psnr": pytest.approx(100, abs=30)}
  assert patches_psnr(stage(codes=2), dataset())["patches_psnr"] < 30


def test_one_mean_is_the_mean_of_all_patches():
  x = images(50, noise=20.0)
  patches = x.reshape(50, 2, 2, 3, 2, 3).swapaxes(2, 3).reshape(-1, 12).astype(np.float32)
  made = as_means(x, 2, patch_means(patches, 1))
  expected = np.tile(patches.mean(0).reshape(2, 2, 3), (2, 3, 1))
  np.testing.assert_allclose(made, np.broadcast_to(expected, x.shape), atol=8)


def test_other_latents_than_one_grid_of_codes_have_no_patches():
  image = dataset().fields["image"]
  assert one_grid(stage(), image) == (2, 4)
  assert one_grid(stage(shape=(2, 2)), image) is None  # Patches would not be squares.
  assert one_grid(stage(codes=None), image) is None
  assert one_grid(Model(lambda *_: ({}, {})), image) is None
  assert patches_psnr(stage(codes=None), dataset()) == {}
