"""Spectral normalisation (Miyato 2018, arXiv:1802.05957): weights of largest singular value 1, by
power iteration.

Every kernel W of a tree of parameters, [..., out] seen as a matrix M [in, out], becomes W / sigma
with

  v = M u / |M u|,  u' = M^T v / |M^T v|,  sigma = v^T M u'      (Algorithm 1)

where u is carried from one update to the next: as weights change slowly one iteration an update is
enough. u and v are constants to the gradient, sigma is not. Networks need not know of it: they are
applied to the normalised parameters.
"""

import jax
from jax import lax
import jax.numpy as jnp


def directions(key, params):
  """A unit vector u [out] for every kernel (an array of two axes or more), None for the others."""
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(key, len(leaves))
  draw = lambda k, w: _unit(jax.random.normal(k, w.shape[-1:])) if w.ndim > 1 else None
  return tree.unflatten(map(draw, keys, leaves))


def normalised(params, u, iterations: int = 1):
  """(params with every kernel of spectral norm 1 as far as u tells, u after `iterations` more
  steps).
  """
  leaves, tree = jax.tree.flatten(params)
  pairs = [
    (w, v) if v is None else _normalised(w, v, iterations)
    for w, v in zip(leaves, tree.flatten_up_to(u))
  ]
  return tuple(tree.unflatten(side) for side in zip(*pairs))


def _normalised(w, u, iterations):
  matrix = w.reshape(-1, w.shape[-1])
  fixed = lax.stop_gradient(matrix)
  v = _unit(fixed @ u)
  for _ in range(iterations):
    u = _unit(fixed.T @ v)
    v = _unit(fixed @ u)
  return w / (v @ matrix @ u), u


def _unit(x):
  return x / (jnp.linalg.norm(x) + 1e-12)
