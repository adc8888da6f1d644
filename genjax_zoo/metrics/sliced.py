"""Sliced Wasserstein distance: the exact distance in one dimension, over random directions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from genjax_zoo.metrics.distances import centred, feature_sets


def coupling(n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Ranks i, j and masses w of the optimal plan between n and m equal masses on a line.

  There are at most n + m - 1 of them. For n = m the plan pairs equal ranks with mass 1 / n.
  Otherwise a mass is split where the two cumulative distributions, in units of 1 / (n m), have a
  step, which is exact for unequal sizes too.
  """
  steps = np.union1d(m * np.arange(1, n + 1), n * np.arange(1, m + 1))
  return (steps - 1) // m, (steps - 1) // n, np.diff(steps, prepend=0) / (n * m)


@functools.partial(jax.jit, static_argnums=3)
def slices(x, y, directions, p, i, j, w):
  """W_p^p [P] of x [N, D] and y [M, D] projected on directions [P, D], sixteen at a time."""

  def project(points, direction):
    return jnp.sort(jnp.matmul(points, direction, precision=jax.lax.Precision.HIGHEST))

  def cost(direction):
    gaps = project(x, direction)[i] - project(y, direction)[j]
    return jnp.sum(w * jnp.abs(gaps) ** p)

  return jax.lax.map(cost, directions, batch_size=16)


def sliced_wasserstein(x, y, projections: int = 256, p: float = 2.0, seed: int = 0) -> float:
  """(mean over directions of W_p^p)^(1/p) of x [N, D] and y [M, D], N and M may differ.

  Rabin et al. 2012; directions are uniform on the sphere, from `seed`. For a translation by t it is
  |t| / sqrt(D) at p = 2, not |t|: compare only numbers of equal D. Two samples of one distribution
  are not at distance 0: report the distance of two real sets beside it.
  """
  x, y = centred(*feature_sets(first=x, second=y))
  directions = jax.random.normal(jax.random.key(seed), (projections, x.shape[1]))
  directions /= jnp.linalg.norm(directions, axis=1, keepdims=True)
  costs = slices(x, y, directions, p, *coupling(len(x), len(y)))
  return float(np.mean(np.asarray(costs, np.float64)) ** (1 / p))


def random_patches(images, size: int, each: int, seed: int = 0) -> np.ndarray:
  """`each` patches of size x size pixels of each image [N, H, W, C], [N each, size size C].

  Of smaller images they are as high and as wide as these.
  """
  size = min(size, *images.shape[1:3])
  windows = sliding_window_view(np.asarray(images), (size, size), axis=(1, 2))
  n, rows, columns = windows.shape[:3]
  rng = np.random.default_rng(seed)
  i = rng.integers(rows, size=(n, each))
  j = rng.integers(columns, size=(n, each))
  return windows[np.arange(n)[:, None], i, j].reshape(n * each, -1)


def patch_wasserstein(x, y, num_values: int, size: int = 7, each: int = 32) -> float:
  """The sliced Wasserstein distance between patches of images [N, H, W, C] and [M, H, W, C].

  In units of their gray levels' range, as in Karras 2017 (arXiv:1710.10196), at full resolution
  alone. It needs no network and no pairs: it is 0 where textures and colours are as frequent, and
  large where one set of images is blurred. `each` patches are taken of each image at random.
  """
  patches = lambda images: random_patches(images, size, each) / np.float32(num_values - 1)
  return sliced_wasserstein(patches(x), patches(y))
