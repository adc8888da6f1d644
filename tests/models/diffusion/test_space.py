"""The network of a diffusion model, at a level that all examples share and at one of each."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field
from genjax_zoo.models.diffusion._space import network_functions, space_of

LABEL = Field((), np.int32, 3)
# {a network: (what it is of, the shape, the network)}
NETWORKS = {
  "mlp": ("x", (2,), dict(name="mlp", hidden=(8, 8))),
  "unet": ("image", (4, 4, 1), dict(name="unet", hidden=(8,))),
  "dit": ("image", (4, 4, 1), dict(name="dit", width=8, depth=1)),
  "dit of videos": ("video", (2, 4, 4, 1), dict(name="dit", width=8, depth=1)),
}


def functions(name, condition=()):
  """(apply(params, noise) on a batch of 3, its params)."""
  entry, shape, network = NETWORKS[name]
  space = space_of({entry: Field(shape, np.float32), "label": LABEL}, condition)
  init, apply = network_functions(space, network)
  x = jax.random.normal(jax.random.key(0), (3, *shape))
  batch = {entry: x, "label": jnp.array([0, 1, 2])}
  params, _ = init(jax.random.key(1), batch)
  # Initially the last layers are 0.
  params = jax.tree.map(lambda p: p + 0.1 * jax.random.normal(jax.random.key(2), p.shape), params)
  c = space.condition(batch, 3)
  return lambda params, noise: apply(params, x, noise, c), params


@pytest.mark.parametrize("condition", [(), ("label",)])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_shared_level_is_as_that_level_of_each(name, condition):
  apply, params = functions(name, condition)
  shared, of_each = apply(params, jnp.float32(0.7)), apply(params, jnp.full(3, 0.7))
  np.testing.assert_allclose(shared, of_each, rtol=1e-5, atol=1e-5)
  assert not np.allclose(shared, apply(params, jnp.float32(-2.0)), atol=1e-3)


def test_a_shared_level_is_embedded_once():
  """For each of a few numbers it would take as much as the rest of a dense network."""
  apply, params = functions("mlp")
  work = lambda noise: jax.jit(apply).lower(params, noise).compile().cost_analysis()["flops"]
  assert work(jnp.zeros(())) < 0.8 * work(jnp.zeros(3))
