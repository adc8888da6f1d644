"""Corruptions of images, and the baselines that restore them."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
import pytest

from genjax_zoo.prob.corruptions import CORRUPTIONS, PROJECTIONS

V = jax.random.uniform(jax.random.key(0), (200, 8, 6, 3))
KEY = jax.random.key(1)
AMOUNT = {"downsample": 2.0}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_constant_image_is_restored_from_all_but_noise(name):
  colour = jnp.array([0.3, 0.3, 0.3] if name == "gray" else [0.2, 0.5, 0.8])
  v = jnp.broadcast_to(colour, (4, 8, 6, 3))
  corrupted, restored = CORRUPTIONS[name](KEY, v, AMOUNT.get(name, 0.3))
  assert corrupted.shape == restored.shape == v.shape
  if name not in ("gaussian", "salt_and_pepper"):
    np.testing.assert_allclose(restored, v, atol=1e-5)


def test_amounts_are_measured():
  assert abs(float((CORRUPTIONS["gaussian"](KEY, V, 0.3)[0] - V).std()) - 0.3) < 0.01
  missing = CORRUPTIONS["mask"](KEY, V, 0.3)[0] == 0
  assert abs(float(missing.mean()) - 0.3) < 0.02 and (missing.any(-1) == missing.all(-1)).all()
  hole = (CORRUPTIONS["square"](KEY, V, 0.5)[0] == 0).all(-1)
  assert (hole.sum((1, 2)) == 4 * 3).all() and len(np.unique(hole.argmax(1).max(1))) > 2
  noisy = CORRUPTIONS["salt_and_pepper"](KEY, V, 0.3)[0]
  assert abs(float((noisy != V).mean()) - 0.3) < 0.02
  assert set(np.unique(noisy[noisy != V])) == {0.0, 1.0}


def test_downsampling_keeps_block_means_and_gray_the_channel_mean():
  small, cubic = CORRUPTIONS["downsample"](KEY, V, 2.0)
  blocks = lambda v: v.reshape(200, 4, 2, 3, 2, 3).mean((2, 4))
  np.testing.assert_allclose(blocks(small), blocks(V), atol=1e-6)
  assert (small[:, 0::2] == small[:, 1::2]).all() and (cubic >= 0).all() and (cubic <= 1).all()
  np.testing.assert_allclose(CORRUPTIONS["gray"](KEY, V, 0.0)[0][..., 1], V.mean(-1), atol=1e-6)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_projections_are_linear_and_idempotent(name):
  P = lambda v: CORRUPTIONS[name](KEY, v, AMOUNT.get(name, 0.3))[0]
  u, v = V[:100], V[100:]
  idempotent = np.allclose(P(P(u)), P(u), atol=1e-6)
  linear = np.allclose(P(2 * u + v), 2 * P(u) + P(v), atol=1e-5)
  assert (idempotent and linear) == (name in PROJECTIONS or name == "none")


def test_the_baseline_of_salt_and_pepper_is_the_median_of_three_by_three():
  noisy, restored = CORRUPTIONS["salt_and_pepper"](KEY, V[:3], 0.3)
  edges = [(0, 0), (1, 1), (1, 1), (0, 0)]
  windows = sliding_window_view(np.pad(noisy, edges, mode="edge"), (3, 3), axis=(1, 2))
  np.testing.assert_allclose(restored, np.median(windows, (-2, -1)), atol=1e-6)


def cubic_matrix(n, f):
  """[n f, n]: bicubic interpolation along one axis, with Keys' kernel (1981) of a = -1/2."""
  places = (np.arange(n * f) + 0.5) / f - 0.5
  d = np.abs(places[:, None] - np.arange(n)[None])
  near = 1.5 * d**3 - 2.5 * d**2 + 1
  far = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
  weights = np.where(d <= 1, near, np.where(d < 2, far, 0))
  return weights / weights.sum(1, keepdims=True)


def test_the_baseline_of_downsampling_interpolates_bicubically():
  v = V[:5]
  small = np.asarray(v).reshape(5, 4, 2, 3, 2, 3).mean((2, 4))
  expected = np.einsum("yi,xj,bijc->byxc", cubic_matrix(4, 2), cubic_matrix(3, 2), small)
  restored = CORRUPTIONS["downsample"](KEY, v, 2.0)[1]
  np.testing.assert_allclose(restored, np.clip(expected, 0, 1), atol=1e-5)


def test_what_is_missing_is_filled_with_the_mean_of_what_is_known():
  for name in ("mask", "square"):
    corrupted, restored = CORRUPTIONS[name](KEY, V[:4], 0.5)
    known = np.asarray(corrupted != 0)
    mean = np.asarray(V[:4]).mean((1, 2), where=known)[:, None, None]
    np.testing.assert_allclose(restored, np.where(known, V[:4], mean), rtol=1e-5)
  corrupted, restored = CORRUPTIONS["gaussian"](KEY, V[:4], 0.5)
  np.testing.assert_array_equal(restored, np.clip(corrupted, 0, 1))
