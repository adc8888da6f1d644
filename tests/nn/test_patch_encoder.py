"""A vector of each patch, of what is in it and where it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn.dit import positions
from genjax_zoo.nn.patch_encoder import PatchEncoder

KEY = jax.random.key(0)


@pytest.mark.parametrize("places", [(4, 6), (4, 2, 2)])
def test_a_vector_is_two_layers_of_its_patch_and_its_place(places):
  x = np.random.default_rng(0).integers(5, size=(3, *places, 2))
  net = PatchEncoder(16, 5, 2)
  params = net.init(KEY, x)["params"]
  found = net.apply({"params": params}, x)
  numbers = [size // 2 for size in places]
  assert found.shape == (3, np.prod(numbers), 16)
  sines = positions(numbers, 16)
  first, second = params["Dense_0"], params["Dense_1"]
  for i, corner in enumerate(np.ndindex(*numbers)):
    rows = tuple(slice(2 * at, 2 * at + 2) for at in corner)
    patch = x[(slice(None), *rows)].reshape(3, -1) / 2 - 1  # In [-1, 1].
    h = patch @ first["kernel"] + first["bias"][None] + sines[corner][None]
    expected = jax.nn.gelu(h) @ second["kernel"] + second["bias"][None]
    np.testing.assert_allclose(found[:, i], expected, rtol=1e-4, atol=1e-5)


def test_patches_alike_differ_by_where_they_are():
  x = jnp.zeros((1, 4, 4, 1), jnp.uint8)
  found = PatchEncoder(16, 2, 2).init_with_output(KEY, x)[0][0]
  distances = jnp.abs(found[:, None] - found[None]).max(-1)
  assert (distances + jnp.eye(4) > 1e-3).all()
