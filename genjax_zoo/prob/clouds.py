"""Point clouds: sets of points, in which no point has a place of its own."""

import jax
import jax.numpy as jnp


def squared_distances(x, y):
  """|x_i - y_j|^2 [..., N, M] of points x [..., N, D] and y [..., M, D], 0 for equal points."""
  # Small D: differences, one axis after the other, lose no digits and need no [N, M, D].
  return sum(jnp.square(x[..., :, None, d] - y[..., None, :, d]) for d in range(x.shape[-1]))


def chamfer(x, y):
  """The Chamfer distance [...] of clouds x [..., N, D] and y [..., M, D].

  mean_i min_j |x_i - y_j|^2 + mean_j min_i |x_i - y_j|^2, as Yang et al. 2019 (arXiv:1906.12320,
  eq. 14) have it, but for means where they have sums. It is 0 only where each point of one cloud
  is also in the other; how often it is there makes no difference.
  """
  squared = squared_distances(x, y)
  return squared.min(-1).mean(-1) + squared.min(-2).mean(-1)


def jitter(key, x, amount):
  """Points x [..., D] moved by noise of the standard deviation `amount`."""
  return x + amount * jax.random.normal(key, x.shape)


def voxels(key, x, amount):
  """Points x [..., D] moved to the centres of the cubes of the side `amount` that they are in."""
  return amount * (jnp.floor(x / amount) + 0.5)


CORRUPTIONS = {f.__name__: f for f in (jitter, voxels)}  # Each is (key, x, amount) -> points.
