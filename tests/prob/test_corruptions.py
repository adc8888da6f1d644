"""Corruptions of images, and the baselines that restore them."""

import jax
import jax.numpy as jnp
import numpy as np
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
