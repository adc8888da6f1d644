"""Lessons on tokens: what they compute of runs and images, on tiny forms that are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments.lessons import composition, rate_distortion
from genjax_zoo.core import Field

IMAGES = np.random.default_rng(0).integers(0, 17, (6, 8, 8, 1)).astype(np.uint8)


def run_of(size):
  """A run whose codes are the gray levels of 2 x 2 blocks, `size` of them."""
  encode = lambda batch: {"codes": batch["image"][:, ::2, ::2, 0] % size}
  mean = lambda params, state, z: z["codes"].repeat(2, 1).repeat(2, 2)[..., None] / 16
  model = SimpleNamespace(latents={"codes": Field((4, 4), np.int32, size)}, parts={"mean": mean})
  return SimpleNamespace(model=model, encode=encode, weights={}, state={})


def test_the_bits_of_a_grid_are_its_places_times_those_of_a_code():
  blocks = IMAGES[:, ::2, ::2].repeat(2, 1).repeat(2, 2) % 16
  found = rate_distortion.of_codes(run_of(16), blocks)
  assert found["bits"] == 16 * 4 and found["PSNR"] == 100
  share = np.bincount(blocks[:, ::2, ::2].ravel()) / (6 * 16)
  entropy = -(share[share > 0] * np.log2(share[share > 0])).sum()
  assert found["coded"] == pytest.approx(16 * entropy)
  assert found["coded"] < found["bits"]


def test_k_means_with_a_mean_for_each_patch_loses_nothing():
  patches = 6 * 16
  exact = rate_distortion.of_kmeans(IMAGES, IMAGES, patches, 16)
  assert exact["PSNR"] > 90 and exact["bits"] == pytest.approx(16 * np.log2(patches))
  # One mean is the mean of all patches.
  one = rate_distortion.of_kmeans(IMAGES, IMAGES, 1, 4)
  mean = IMAGES.reshape(6, 2, 4, 2, 4, 1).mean((0, 1, 3))
  error = ((IMAGES.reshape(6, 2, 4, 2, 4, 1) - mean[:, None]) / 16.0) ** 2
  decibels = -10 * np.log10(error.reshape(6, -1).mean(1)).mean()
  assert one["PSNR"] == pytest.approx(decibels, abs=1e-3) and one["bits"] == 0


def test_a_path_of_codes_goes_from_one_image_to_the_other():
  rows = rate_distortion.between(run_of(17), IMAGES)
  assert rows.shape == (3, 9, 8, 8, 1)
  ends = IMAGES[:, ::2, ::2].repeat(2, 1).repeat(2, 2) / 16
  np.testing.assert_allclose(rows[:, 0], ends[:3])
  np.testing.assert_allclose(rows[:, -1], ends[3:])


def test_a_triple_agrees_where_all_three_do():
  judge = lambda samples, given: {
    "shape": np.array([1.0, 1, 0, 1]),
    "colour": np.array([1.0, 0, 1, 1]),
    "background": np.ones(4),
    "all": np.array([1.0, 0, 0, 0]),
  }
  assert composition.agreement(judge, None, None) == {"shape": 0.75, "triple": 0.5, "all": 0.25}


def test_what_a_caption_is_worth_is_what_another_one_costs():
  rows = {"tokens": np.arange(8).reshape(4, 2), "codes": np.arange(8).reshape(4, 2)}
  ones = np.ones(4)
  judge = lambda samples, given: dict(shape=ones, colour=ones, background=ones, all=ones)
  # 3 nats where the caption is that of the codes, 5 where it isn't.
  evaluate = lambda x: {"image_nats": np.where((x["tokens"] == x["codes"]).all(1), 3.0, 5.0)}
  run = SimpleNamespace(sample=lambda n, given: {"image": given["tokens"]}, evaluate=evaluate)
  found = composition.measured(run, judge, rows)
  assert (found["nats"], found["caption's nats"]) == (3.0, 2.0)
