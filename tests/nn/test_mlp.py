"""The multilayer perceptron against its formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn.mlp import MLP


@pytest.mark.parametrize("shape", [(5,), (2, 3, 5)])
def test_equals_its_formula(shape):
  x = jax.random.normal(jax.random.key(0), shape)
  net = MLP((7, 6, 4), jnp.tanh)
  params = net.init(jax.random.key(1), x)
  layers = [params["params"][f"Dense_{i}"] for i in range(3)]
  h = np.asarray(x, np.float64)
  for i, layer in enumerate(layers):
    h = h @ np.asarray(layer["kernel"], np.float64) + np.asarray(layer["bias"])
    h = np.tanh(h) if i < 2 else h
  np.testing.assert_allclose(net.apply(params, x), h, rtol=1e-4, atol=1e-5)


def test_computes_in_bfloat16_and_returns_float32():
  x = jax.random.normal(jax.random.key(0), (3, 5))
  net, half = MLP((64, 64, 2)), MLP((64, 64, 2), dtype="bfloat16")
  params = half.init(jax.random.key(1), x)
  assert {a.dtype for a in jax.tree.leaves(params)} == {jnp.dtype("float32")}
  exact, rounded = net.apply(params, x), half.apply(params, x)
  assert rounded.dtype == jnp.float32
  error = jnp.abs(exact - rounded).max() / jnp.abs(exact).max()
  assert 1e-5 < error < 0.03


def test_one_size_is_a_linear_layer():
  x, y = jax.random.normal(jax.random.key(0), (2, 5))
  net = MLP((3,))
  params = net.init(jax.random.key(1), x)
  np.testing.assert_allclose(
    net.apply(params, x + y), net.apply(params, x) + net.apply(params, y), rtol=1e-4, atol=1e-5
  )
