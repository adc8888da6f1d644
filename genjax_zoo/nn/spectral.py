"""Spectral normalisation (Miyato 2018, arXiv:1802.05957): kernels with spectral norm 1.

Every kernel W of a tree of parameters, [..., out] flattened to a matrix M [in, out], is divided by
its largest singular value sigma, which power iteration estimates:

  v = M u / |M u|,  u' = M^T v / |M^T v|,  v' = M u' / |M u'|,  sigma = v'^T M u' = |M u'|

which is half an iteration more than Algorithm 1, whose sigma is v^T M u'. Of a convolution, M is
[height width in, out], and its norm as an operator on images may be larger than 1, up to
sqrt(height width).

u is carried from one update to the next: weights change slowly, so one iteration an update is
enough. No gradient flows through u and v; it does through M in sigma. A network needs no change: it
is applied to the normalised parameters.
"""

import jax
from jax import lax
import jax.numpy as jnp


def directions(key, params):
  """A random unit vector u [out] for every kernel (an array of two axes or more), else None."""
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(key, len(leaves))

  def direction(key, w):
    return unit(jax.random.normal(key, w.shape[-1:])) if w.ndim > 1 else None

  return tree.unflatten(map(direction, keys, leaves))


def normalised(params, u, iterations: int = 1):
  """(params with every kernel over its estimated spectral norm, u after `iterations` steps)."""
  leaves, tree = jax.tree.flatten(params)
  pairs = []
  for w, direction in zip(leaves, tree.flatten_up_to(u)):
    # Biases and scales have no direction and stay as they are.
    pair = (w, None) if direction is None else normalised_kernel(w, direction, iterations)
    pairs.append(pair)
  weights, u = zip(*pairs)
  return tree.unflatten(weights), tree.unflatten(u)


def normalised_kernel(w, u, iterations: int):
  """(w / sigma, u [out]) of one kernel w [..., out]."""
  matrix = w.reshape(-1, w.shape[-1])
  constant = lax.stop_gradient(matrix)
  v = unit(constant @ u)
  for _ in range(iterations):
    u = unit(constant.T @ v)
    v = unit(constant @ u)
  sigma = v @ matrix @ u
  return w / sigma, u


def unit(x):
  """x [D] over its length; 0 where x is 0."""
  return x / (jnp.linalg.norm(x) + 1e-12)
