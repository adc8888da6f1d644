"""Frechet distance between Gaussians fitted to two sets of features (FID, of Inception features).

    d^2 = |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^1/2 S2 S1^1/2)^1/2)

Dowson & Landau 1982; Heusel et al. 2017 (1706.08500, eq. 6). Moments are accumulated in float64 on
the host. The square root is that of a symmetric matrix, by its eigenvalues; the original code takes
`scipy.linalg.sqrtm(S1 S2)` of a product that is not symmetric, and adds 1e-6 to both diagonals
where that fails. The estimate from n samples is too high, by about a constant / n: compare only
numbers of equal n.
"""

from collections.abc import Callable
import functools
from typing import NamedTuple

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.metrics.distances import feature_sets

ROWS = 4096  # Rows converted to float64 at once.


class Moments(NamedTuple):
  """Mean and scatter of a set of features, in float64; `merge` joins those of two sets."""

  count: int
  mean: np.ndarray  # [D]
  scatter: np.ndarray  # [D, D], the sum of (x - mean)(x - mean)^T.

  @property
  def covariance(self) -> np.ndarray:
    """The unbiased covariance [D, D]."""
    return self.scatter / (self.count - 1)


def merge(a: Moments, b: Moments) -> Moments:
  """The moments of the union of two sets (Chan, Golub & LeVeque 1983)."""
  count = a.count + b.count
  shift = b.mean - a.mean
  scatter = a.scatter + b.scatter + np.outer(shift, shift) * (a.count * b.count / count)
  return Moments(count, a.mean + shift * (b.count / count), scatter)


def moments(features, progress: Callable = iter) -> Moments:
  """The moments of features [N, D]; `progress` wraps the list of row blocks."""
  (features,) = feature_sets(given=features)

  def block(start):
    x = features[start : start + ROWS].astype(np.float64)
    mean = x.mean(0)
    x -= mean[None]
    return Moments(len(x), mean, x.T @ x)

  return functools.reduce(merge, map(block, progress(range(0, len(features), ROWS))))


def gaussian_frechet(mean1, cov1, mean2, cov2) -> float:
  """The squared 2-Wasserstein distance of N(mean1, cov1) and N(mean2, cov2).

  Covariances may be singular.
  """
  values, vectors = np.linalg.eigh(cov1)
  root = vectors * np.sqrt(np.maximum(values, 0))[None]  # cov1 = root root^T
  product = np.linalg.eigvalsh(root.T @ cov2 @ root)
  # Rounding may leave eigenvalues of 0 a little negative.
  cross = np.sqrt(np.maximum(product, 0)).sum()
  return max(0.0, float(np.sum((mean1 - mean2) ** 2) + np.trace(cov1) + np.trace(cov2) - 2 * cross))


def frechet_distance(real: Moments, fake: Moments) -> float:
  """d^2 of two sets from their moments.

  Raises UserError where a set has too few samples for a covariance of full rank.
  """
  for name, m in (("real", real), ("fake", fake)):
    if m.count <= m.mean.size:
      raise UserError(
        f"the {name} set has {m.count} samples: "
        f"a Frechet distance of {m.mean.size} features needs {m.mean.size + 1}"
      )
  return gaussian_frechet(real.mean, real.covariance, fake.mean, fake.covariance)


def fid(real, fake, progress: Callable = iter) -> float:
  """The Frechet distance of features [N, D] and [M, D], N and M > D."""
  real, fake = feature_sets(real=real, fake=fake)
  return frechet_distance(moments(real, progress), moments(fake, progress))
