"""NADE: its own gradient is that of the plain formula."""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.models.autoregressive import nade


def plain(v, W, c, V, b):
  """The formula of the paper, each a_i summed from the start."""
  before = jnp.tri(len(W), k=-1)
  h = jax.nn.relu(c[None, None] + jnp.einsum("ij,jb,jh->ibh", before, v, W))
  return jnp.einsum("ibh,ihk->ibk", h, V) + b[:, None]


def test_logits_and_gradients_equal_the_formula():
  D, B, h, K = 7, 5, 6, 3
  normal = lambda i, *shape: jax.random.normal(jax.random.key(i), shape)
  args = normal(0, D, B), normal(1, D, h), normal(2, h), normal(3, D, h, K), normal(4, D, K)
  np.testing.assert_allclose(nade.nade(*args), plain(*args), atol=1e-5)
  loss = lambda f: lambda *args: (jnp.sin(f(*args)) * normal(5, D, B, K)).sum()
  gradients = [jax.grad(loss(f), argnums=range(5))(*args) for f in (nade.nade, plain)]
  chex.assert_trees_all_close(*gradients, atol=1e-4)
