"""Partial convolutions: with a full mask a convolution, with an empty one 0, blind to holes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate2d

from genjax_zoo.nn.conv import Conv
from genjax_zoo.nn.partial_conv import PartialConv, PartialUNet

KEY = jax.random.key(0)
X = jax.random.normal(KEY, (2, 7, 6, 3))


def layer(stride=1):
  net = PartialConv(4, 3, stride)
  params = net.init(KEY, X, jnp.ones_like(X))
  params["params"]["bias"] = jnp.arange(4.0)
  return jax.jit(lambda x, m: net.apply(params, x, m)), params["params"]


@pytest.mark.parametrize("stride", [1, 2])
def test_with_a_full_mask_it_is_a_convolution_and_with_an_empty_one_0(stride):
  apply, params = layer(stride)
  y, m = apply(X, jnp.ones_like(X))
  plain = Conv(4, (3, 3), (stride, stride))
  weights = {"kernel": params["Conv_0"]["kernel"], "bias": params["bias"]}
  np.testing.assert_allclose(y, plain.apply({"params": weights}, X), atol=1e-5)
  assert m.shape == y.shape and (m == 1).all()
  y, m = apply(X, jnp.zeros_like(X))
  assert (y == 0).all() and (m == 0).all()


def test_the_sum_of_what_is_known_is_scaled_to_the_whole_window_and_masks_grow_by_it():
  """By brute force, with the mask of every channel its own, as where two maps are joined."""
  apply, params = layer()
  m = jax.random.bernoulli(jax.random.key(1), 0.15, X.shape).astype(jnp.float32)
  y, after = (np.asarray(a) for a in apply(X, m))
  sums = lambda image: correlate2d(image, np.ones((3, 3)), mode="same")
  w = np.asarray(params["Conv_0"]["kernel"])
  for i in range(2):
    seen = sums(np.asarray(m[i]).sum(-1))
    whole = 3 * sums(np.ones((7, 6)))
    for k in range(4):
      masked = np.asarray(X[i] * m[i])
      total = sum(correlate2d(masked[..., c], w[..., c, k], mode="same") for c in range(3))
      expected = np.where(seen > 0, total * whole / np.maximum(seen, 1) + k, 0)
      np.testing.assert_allclose(y[i, ..., k], expected, atol=1e-4)
      np.testing.assert_array_equal(after[i, ..., k], seen > 0)
  assert 0 < after.mean() < 1 and after.mean() > m.mean()


def test_what_a_hole_held_reaches_no_output_of_the_unet():
  known = (jnp.arange(10)[None, :, None, None] < 6) * jnp.ones((2, 10, 9, 1))
  x = jax.random.normal(KEY, (2, 10, 9, 3))
  net = PartialUNet((4, 6))
  params = net.init(KEY, x, known)
  apply = jax.jit(lambda x: net.apply(params, x, known))
  y = apply(x)
  assert y.shape == x.shape and (y[:, 6:] != 0).any()
  np.testing.assert_array_equal(apply(jnp.where(known > 0, x, 100.0)), y)
  changed = apply(x.at[:, 0].add(1.0))
  assert (changed != y).any()
