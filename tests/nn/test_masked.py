"""Masked networks: outputs depend on exactly the inputs that the order allows."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn.masked import MaskedConv, MaskedMLP, causal, draw_degrees, groups


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("raster", [False, True])
def test_outputs_depend_on_lower_degrees_only(direct, raster):
  degrees = draw_degrees(np.random.default_rng(1), 6, (50, 50), raster)
  net = MaskedMLP((50, 50), 2, direct, activation=jnp.tanh)
  x = jax.random.normal(jax.random.key(0), (1, 6))
  params = net.init(jax.random.key(1), x, degrees)
  depends = np.abs(jax.jacobian(lambda x: net.apply(params, x[None], degrees)[0])(x[0])) > 0
  expected = degrees[0][:, None] > degrees[0][None]
  np.testing.assert_array_equal(depends, np.broadcast_to(expected[:, None], (6, 2, 6)))


def test_degrees_of_hidden_units_do_not_break_paths():
  degrees = draw_degrees(np.random.default_rng(2), 10, (8, 300))
  assert sorted(degrees[0]) == list(range(10))
  assert degrees[1].max() <= 8 and degrees[2].min() == degrees[1].min() and degrees[2].max() == 8


def test_several_inputs_of_a_dimension():
  """Of each dimension, three inputs in a row have its degree."""
  degrees = draw_degrees(np.random.default_rng(1), 4, (50,))
  net = MaskedMLP((50,), 2, activation=jnp.tanh)
  x = jax.random.normal(jax.random.key(0), (1, 12))
  params = net.init(jax.random.key(1), x, degrees)
  jacobian = jax.jacobian(lambda x: net.apply(params, x[None], degrees)[0])(x[0])
  depends = np.abs(jacobian.reshape(4, 2, 4, 3)) > 0
  expected = degrees[0][:, None] > degrees[0][None]
  np.testing.assert_array_equal(depends, np.broadcast_to(expected[:, None, :, None], depends.shape))


@pytest.mark.parametrize("strict", [False, True])
def test_causal_row(strict):
  """A feature depends on pixels to the left and on earlier channels; on its own if not strict."""
  inputs, outputs = groups(3, 3), groups(7, 3)
  conv = MaskedConv(7, (1, 3), 2)
  x = jax.random.normal(jax.random.key(0), (1, 1, 4, 3))
  mask = causal((1, 3), 2, inputs, outputs, strict)
  params = {"params": conv.init(jax.random.key(1), x, mask)["params"]}
  # [x', O, x, I]
  jacobian = jax.jacobian(lambda x: conv.apply(params, x, mask)[0, 0])(x)[:, :, 0, 0]
  allowed = np.less if strict else np.less_equal
  present = allowed(inputs[None], outputs[:, None])
  for at in range(4):
    for pixel in range(4):
      expected = present if pixel == at else np.full((7, 3), at - 2 <= pixel < at)
      np.testing.assert_array_equal(np.abs(jacobian[at, :, pixel]) > 0, expected)


def convolved(kernel, centre, mask, cached, dilation=1):
  """(x, conv of all of x, variables with an empty cache, apply(variables, x, *at, method=...))."""
  conv = MaskedConv(4, kernel, centre, cached=cached, dilation=dilation)
  x = jax.random.normal(jax.random.key(0), (2, 4, 6, 4))
  variables = conv.init(jax.random.key(1), x, mask)
  whole = conv.apply({"params": variables["params"]}, x, mask)

  @functools.partial(jax.jit, static_argnames="method")
  def apply(variables, x, *at, method):
    return conv.apply(variables, x, *at, mask, method=method, mutable=["cache"])

  return x, whole, variables, apply


def causal_mask(kernel, centre):
  return causal(kernel, centre, groups(4, 2), groups(4, 2), strict=False)


KERNELS = [((2, 3), 1), ((3, 5), 2), ((1, 3), 2), ((1, 1), 0)]
DILATED = [(kernel, centre, 1) for kernel, centre in KERNELS] + [((2, 3), 1, 2), ((1, 3), 2, 3)]


@pytest.mark.parametrize("kernel, centre, dilation", DILATED)
def test_rows_from_the_cache_equal_the_whole(kernel, centre, dilation):
  x, whole, state, apply = convolved(kernel, centre, True, True, dilation)
  for y in range(4):
    row, changed = apply(state, x[:, y : y + 1], y, method="row")
    np.testing.assert_allclose(row, whole[:, y : y + 1], atol=1e-5)
    state = state | changed


@pytest.mark.parametrize("kernel, centre, dilation", DILATED)
def test_pixels_from_the_cache_equal_the_whole(kernel, centre, dilation):
  mask = causal_mask(kernel, centre)
  x, whole, state, apply = convolved(kernel, centre, mask, True, dilation)
  for y, column in itertools.product(range(4), range(6)):
    at = slice(None), slice(y, y + 1), slice(column, column + 1)
    pixel, changed = apply(state, x[at], y, column, method="pixel")
    np.testing.assert_allclose(pixel, whole[at], atol=1e-5)
    state = state | changed


@pytest.mark.parametrize("kernel, centre", KERNELS)
def test_a_row_and_a_pixel_of_a_whole_input(kernel, centre):
  x, whole, variables, apply = convolved(kernel, centre, True, cached=False)
  assert "cache" not in variables
  row, _ = apply(variables, x, 1, method="row")
  np.testing.assert_allclose(row, whole[:, 1:2], atol=1e-5)
  pixel, _ = apply(variables, x, 2, 3, method="pixel")
  np.testing.assert_allclose(pixel, whole[:, 2:3, 3:4], atol=1e-5)


def test_a_dilated_kernel_skips_pixels():
  """y[4, 4] of a kernel [2, 3] with centre 1 and dilation 2 sees rows 2, 4 and columns 2, 4, 6."""
  conv = MaskedConv(1, (2, 3), 1, dilation=2)
  x = jax.random.normal(jax.random.key(0), (1, 6, 8, 1))
  params = conv.init(jax.random.key(1), x)["params"]
  kernel = params["kernel"][..., 0, 0]
  gradient = jax.grad(lambda x: conv.apply({"params": params}, x)[0, 4, 4, 0])(x)[0, ..., 0]
  expected = np.zeros((6, 8))
  expected[2:5:2, 2:7:2] = kernel
  np.testing.assert_allclose(gradient, expected, atol=1e-6)
