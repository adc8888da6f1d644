"""Unbiased maximum mean discrepancy of two feature sets, with its standard error (KID).

    MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)

Gretton et al. 2012 (JMLR 13, lemma 6). Being unbiased for every sample size, it may be negative;
with the diagonal i = j left in, the usual mistake, it is too high. Both sets are cut into disjoint
random blocks, and the estimate is the mean over them (Zaremba et al. 2013, 1307.1954). The blocks
are independent, so that their standard deviation gives the standard error. Other codes take a
hundred overlapping subsets, which have the same mean but not that error.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.metrics.distances import centred, feature_sets, squared_distances

FEWEST = 20  # Examples, enough for ten blocks of two.


def cubic(x, y):
  """(x.y / D + 1)^3, the kernel of KID (Binkowski et al. 2018, 1801.01401)."""
  return (jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST) / x.shape[1] + 1) ** 3


def gaussian(x, y, bandwidth):
  """exp(-|x - y|^2 / (2 bandwidth^2))."""
  return jnp.exp(-squared_distances(x, y) / (2 * bandwidth**2))


def unbiased(kernel, x, y):
  """MMD^2 of x [N, D] and y [M, D] with `kernel(x, y) -> [N, M]`, in float32."""
  cross = kernel(x, y)
  # A constant subtracted from every entry doesn't change the MMD, and saves the digits that the
  # differences below would lose.
  constant = cross[0].mean()

  def inner(k):
    """The mean of k less the constant, without its diagonal."""
    return jnp.mean((k - constant).sum(1) - (jnp.diagonal(k) - constant)) / (len(k) - 1)

  return inner(kernel(x, x)) + inner(kernel(y, y)) - 2 * jnp.mean((cross - constant).mean(1))


@functools.partial(jax.jit, static_argnums=0)
def over_blocks(kernel, x, y, args):
  """MMD^2 of each pair of blocks x [b, N / b, D], y [b, M / b, D], one pair in memory at a time."""
  return jax.lax.map(lambda block: unbiased(lambda a, b: kernel(a, b, *args), *block), (x, y))


def block_mmd(kernel, x, y, args, size, seed) -> tuple[float, float]:
  """The mean over disjoint blocks of about `size` rows, at least ten, and its standard error."""
  fewest = min(len(x), len(y))
  if fewest < FEWEST:
    raise UserError(
      f"the smaller set has {fewest} samples: ten blocks of an unbiased MMD need at least {FEWEST}"
    )
  blocks = max(10, fewest // size)
  rng = np.random.default_rng(seed)

  def cut(x):
    rows = rng.permutation(len(x))[: len(x) // blocks * blocks]
    return x[rows].reshape(blocks, -1, x.shape[1])

  values = np.asarray(over_blocks(kernel, cut(x), cut(y), args), np.float64)
  return float(values.mean()), float(values.std(ddof=1) / np.sqrt(blocks))


def kid(real, fake, size: int = 1000, seed: int = 0) -> tuple[float, float]:
  """MMD^2 with the cubic kernel, and its standard error, of features [N, D] and [M, D]."""
  real, fake = feature_sets(real=real, fake=fake)
  return block_mmd(cubic, real, fake, (), size, seed)


def median_distance(x, y, seed: int = 0) -> float:
  """The median distance between 2,000 points of x and y together; 1 if that is 0."""
  pooled = np.random.default_rng(seed).permutation(np.concatenate([x, y]))[:2000]
  squared = np.asarray(jax.jit(squared_distances)(pooled, pooled))
  pairs = squared[np.triu_indices(len(pooled), 1)]
  return float(np.sqrt(np.median(pairs))) or 1.0


def mmd(
  x, y, bandwidth: float | None = None, size: int = 1000, seed: int = 0
) -> tuple[float, float]:
  """MMD^2 with a Gaussian kernel and its standard error, of x [N, D] and y [M, D].

  `bandwidth` defaults to the median distance: numbers of different data then have different
  kernels, so give one to compare models. Its expectation is 0 only for equal distributions, which
  is not true of the cubic kernel.
  """
  x, y = (np.asarray(a) for a in centred(*feature_sets(first=x, second=y)))
  bandwidth = bandwidth or median_distance(x, y, seed)
  return block_mmd(gaussian, x, y, (bandwidth,), size, seed)
