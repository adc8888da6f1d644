"""Networks between images and grids: patches there and back, shapes, where a vector looks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn.grid import GridDecoder, GridEncoder, Residual, from_patches, to_patches


def test_patches_are_blocks_of_pixels_and_come_back():
  x = jnp.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
  patches = to_patches(x, 2)
  assert patches.shape == (2, 2, 3, 12)
  np.testing.assert_array_equal(patches[1, 1, 2], x[1, 2:4, 4:6].reshape(-1))
  np.testing.assert_array_equal(from_patches(patches, 2), x)


def test_a_residual_block_is_the_identity_at_first():
  x = jax.random.normal(jax.random.key(0), (2, 3, 3, 8))
  block = Residual(8)
  np.testing.assert_allclose(block.apply(block.init(jax.random.key(1), x), x), x)


@pytest.mark.parametrize("network", ["patch", "conv"])
def test_the_decoder_mirrors_the_encoder(network):
  x = jax.random.normal(jax.random.key(0), (2, 8, 12, 3))
  encoder = GridEncoder(network, (4, 8), features=5)
  z = encoder.apply(encoder.init(jax.random.key(1), x), x)
  assert z.shape == (2, 2, 3, 5)
  decoder = GridDecoder(network, (4, 8), channels=3)
  variables = decoder.init(jax.random.key(2), z)
  assert decoder.apply(variables, z).shape == x.shape
  assert "last" in variables["params"]
