"""Networks from image to image: sizes, layers in use, what normalisation erases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn.norm import instance_norm
from genjax_zoo.nn.translators import ResidualTranslator, UNetTranslator

KEY = jax.random.key(0)


def images(*shape):
  return jax.random.normal(jax.random.key(1), shape)


def test_each_channel_of_each_image_is_standardised():
  x = 5 * images(3, 8, 6, 2) + 3
  y = np.asarray(instance_norm(x))
  np.testing.assert_allclose(y.mean((1, 2)), 0, atol=1e-5)
  np.testing.assert_allclose(y.std((1, 2)), 1, atol=1e-4)
  np.testing.assert_allclose(instance_norm(x[:1]), y[:1], atol=1e-5)
  np.testing.assert_array_equal(instance_norm(jnp.full((1, 8, 8, 1), 7.0)), 0)


@pytest.mark.parametrize("size", [(16, 16), (9, 7)])
def test_the_unet_returns_images_of_the_size_it_was_given(size):
  x = images(2, *size, 3)
  net = UNetTranslator((4, 6, 6), 5, dropout=0.5)
  params = net.init({"params": KEY, "dropout": KEY}, x)
  apply = lambda key: net.apply(params, x, rngs={"dropout": key})
  assert apply(KEY).shape == (2, *size, 5)
  assert (apply(KEY) != apply(jax.random.key(2))).any((1, 2, 3)).all()  # Dropout in use, too.


def test_the_unet_knows_how_bright_its_input_was():
  """Of flat images nothing but that: normalised to the end, all would be one."""
  flat = jnp.array([-1.0, 0.5])[:, None, None, None] * jnp.ones((1, 32, 32, 1))
  net = UNetTranslator((4, 4, 4), 1)
  dark, bright = net.apply(net.init(KEY, flat), flat)[:, 12:20, 12:20]
  assert np.abs(dark - bright).min() > 1e-3


def test_a_residual_translator_uses_all_its_layers_and_knows_how_bright_its_input_was():
  x = images(2, 11, 8, 3)
  net = ResidualTranslator(4, blocks=2, halvings=2)
  params = jax.jit(net.init)(KEY, x)
  slope = jax.jit(jax.grad(lambda params, x: (net.apply(params, x) ** 2).sum()))
  kernels = [g for g in jax.tree.leaves(slope(params, x)) if g.ndim > 1]
  assert len(kernels) == 1 + 2 + 4 + 2 + 1 and all(np.abs(g).max() > 1e-6 for g in kernels)
  flat = jnp.array([-1.0, 0.5])[:, None, None, None] * jnp.ones((1, 11, 8, 3))
  dark, bright = net.apply(params, flat)[:, 4:7, 3:5]
  assert np.abs(dark - bright).min() > 1e-3
