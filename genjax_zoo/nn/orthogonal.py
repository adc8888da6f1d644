"""Orthogonal regularisation (Brock 2018, arXiv:1809.11096, equation 3)."""

import jax
import jax.numpy as jnp


def overlap(params):
  """The sum over kernels of |W^T W o (1 - I)|² [], W [in, out]: 0 where outputs are orthogonal.

  Kernels are arrays of two axes or more, [..., out] flattened to W. Their norms are left free.
  """
  total = 0.0
  for w in jax.tree.leaves(params):
    if w.ndim > 1:
      W = w.reshape(-1, w.shape[-1])
      products = W.T @ W
      total += ((products * (1 - jnp.eye(len(products)))) ** 2).sum()
  return total
