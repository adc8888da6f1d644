"""Sliced Wasserstein distance: the plan's marginals, scipy in one dimension, translations."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from genjax_zoo.metrics.sliced import (
  coupling,
  patch_wasserstein,
  random_patches,
  sliced_wasserstein,
)


@pytest.mark.parametrize("n, m", [(1, 1), (5, 5), (4, 6), (7, 3), (1, 9), (12, 35)])
def test_the_plan_is_monotone_and_has_the_right_marginals(n, m):
  i, j, w = coupling(n, m)
  np.testing.assert_allclose(np.bincount(i, w, n), 1 / n)
  np.testing.assert_allclose(np.bincount(j, w, m), 1 / m)
  assert (np.diff(i) >= 0).all() and (np.diff(j) >= 0).all() and (w > 0).all()


@pytest.mark.parametrize("n, m", [(40, 40), (40, 64), (13, 50)])
def test_one_dimension_equals_scipy(n, m):
  rng = np.random.default_rng(n + m)
  x, y = rng.normal(size=(n, 1)), 2 * rng.normal(size=(m, 1)) + 1
  expected = wasserstein_distance(x[:, 0], y[:, 0])
  np.testing.assert_allclose(sliced_wasserstein(x, y, p=1, projections=3), expected, rtol=1e-5)
  np.testing.assert_allclose(sliced_wasserstein(y, x, p=1, projections=3), expected, rtol=1e-5)


def test_unequal_sizes_equal_the_repeated_sets():
  rng = np.random.default_rng(0)
  x, y = rng.normal(size=(20, 3)), rng.normal(size=(30, 3))
  expected = sliced_wasserstein(x.repeat(3, 0), y.repeat(2, 0))
  np.testing.assert_allclose(sliced_wasserstein(x, y), expected, rtol=1e-5)


@pytest.mark.parametrize("d", [1, 4, 50])
def test_a_translation(d):
  """E (theta . t)^2 = |t|^2 / D on the sphere; (theta . t)^2 has a relative variance below 2."""
  rng = np.random.default_rng(d)
  x, t = rng.normal(size=(100, d)), rng.normal(size=(1, d))
  found = sliced_wasserstein(x, rng.permutation(x) + t, projections=2000)
  np.testing.assert_allclose(
    found**2, (t**2).sum() / d, rtol=4 * np.sqrt(2 / 2000) if d > 1 else 1e-5
  )


def test_a_scaled_gaussian():
  """W_2 of N(0, 1) and N(0, s^2) is |s - 1| along every direction."""
  x, y = np.random.default_rng(1).normal(size=(2, 20_000, 3))
  np.testing.assert_allclose(sliced_wasserstein(x, 3 * y, 64), 2, rtol=0.03)


def test_equal_sets_in_another_order_are_at_distance_zero():
  x = np.random.default_rng(2).normal(size=(60, 8))
  assert sliced_wasserstein(x, x[::-1]) < 1e-6
  assert sliced_wasserstein(np.ones((5, 2)), np.ones((7, 2))) == 0


def test_patches_are_pixels_of_their_image_in_their_order():
  """Every pixel is its own number: a patch is told by its first one."""
  images = np.arange(2 * 6 * 5 * 3).reshape(2, 6, 5, 3)
  patches = random_patches(images, 4, 50)
  first = patches[:, 0]
  offsets = np.array([15 * r + 3 * c + k for k in range(3) for r in range(4) for c in range(4)])
  np.testing.assert_array_equal(patches, first[:, None] + offsets[None])
  assert (first[:50] < 90).all() and (first[50:] >= 90).all() and len(set(first)) == 2 * 3 * 2
  assert random_patches(images, 7, 1).shape == (2, 5 * 5 * 3)  # No larger than the image.


def test_patches_know_how_bright_and_how_rough_images_are_and_not_where():
  """A shift of all pixels by t of the range is t along the mean direction, t on average."""
  rng = np.random.default_rng(3)
  x = rng.integers(50, 150, (40, 12, 12, 1)).astype(np.uint8)
  assert patch_wasserstein(x, x, 256) < 1e-6
  other = rng.integers(50, 150, (40, 12, 12, 1)).astype(np.uint8)
  flat = np.full_like(x, 100)
  brighter = patch_wasserstein(x, other + 51, 256)
  np.testing.assert_allclose(brighter, 0.2, rtol=0.15)
  # Of noise uniform on 100 gray levels a patch of gray lacks the deviation.
  np.testing.assert_allclose(patch_wasserstein(x, flat, 256), 100 / 12**0.5 / 255, rtol=0.05)
  assert patch_wasserstein(x, other, 256) < 0.02  # Of 1,280 patches each.
