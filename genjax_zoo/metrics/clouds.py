"""Distances of point clouds, and how alike two sets of clouds are.

For generated clouds F and reference clouds R, with a distance D of two clouds (Yang et al. 2019,
PointFlow, arXiv:1906.12320, section 6):

  1-NNA     the accuracy of the classifier that gives each cloud the set of its nearest neighbour
            among all others of F and R: 1/2 for one distribution, 1 where the sets are far apart,
            near 0 where F copies R. Of the three it alone sees both fidelity and diversity.
  coverage  the fraction of R that is nearest to some cloud of F: low where F lacks diversity.
            It is well below 1 for two sets of one distribution.
  MMD       the mean over R of the distance to the nearest cloud of F, lower is better. Smooth,
            evenly spread points make it lower than that of real clouds.
"""

from collections.abc import Callable

import jax
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.prob.clouds import chamfer

FEWEST = 2  # Clouds of a set: each needs a neighbour in its own set.
MOST = 1000  # The most clouds of a set, the first of each: of 128 points these take about 15 s.


@jax.jit
def chamfer_rows(a, b):
  """The Chamfer distances [N, M] of clouds a [N, P, D] and b [M, Q, D], a row at a time."""
  return jax.lax.map(lambda x: jax.vmap(chamfer, (None, 0))(x, b), a)


def chamfer_distances(a, b) -> np.ndarray:
  """The Chamfer distances [N, M] of clouds a [N, P, D] and b [M, Q, D]."""
  return np.asarray(chamfer_rows(np.asarray(a, np.float32), np.asarray(b, np.float32)))


def earth_mover_distances(a, b) -> np.ndarray:
  """The earth mover's distances [N, M] of clouds a [N, P, D] and b [M, P, D].

  The least mean distance of points and their partners, over all pairings of the two clouds, exactly
  (the Hungarian algorithm): about 1 ms for two clouds of 128 points. Raises UserError where clouds
  have different numbers of points.
  """
  if a.shape[1:] != b.shape[1:]:
    raise UserError(
      f"clouds of shapes {a.shape[1:]} and {b.shape[1:]}: the earth mover's distance is of clouds "
      "with as many points"
    )
  return np.array([[earth_mover(x, y) for y in b] for x in a])


def earth_mover(x, y) -> float:
  """The earth mover's distance of two clouds [P, D]."""
  from scipy.optimize import linear_sum_assignment  # Late: 0.3 s, and training does not need it.
  from scipy.spatial.distance import cdist

  cost = cdist(x, y)
  return float(cost[linear_sum_assignment(cost)].mean())


def one_nearest_neighbour(within_fake, across, within_real) -> float:
  """1-NNA of the distances of N fakes and N reals: [N, N], fakes to reals [N, N], [N, N].

  Of several nearest neighbours each counts its share.
  """
  n = len(across)
  distances = np.block([[within_fake, across], [across.T, within_real]])
  np.fill_diagonal(distances, np.inf)
  nearest = distances == distances.min(1, keepdims=True)
  is_real = np.arange(2 * n) >= n
  same = is_real[:, None] == is_real[None]
  return float(((nearest & same).sum(1) / nearest.sum(1)).mean())


def coverage(across) -> float:
  """The fraction of reals that are nearest to a fake, of distances fakes to reals [N, M]."""
  return len(np.unique(across.argmin(1))) / across.shape[1]


def mean_minimum(across) -> float:
  """MMD: the mean distance of a real to the nearest fake, of distances fakes to reals [N, M]."""
  return float(across.min(0).mean())


def compare(real, fake, distances: Callable = chamfer_distances) -> dict[str, float]:
  """{"one_nearest_neighbour", "coverage", "mmd"} of clouds fake [N, P, D] against real [M, Q, D].

  Of both sets the first MOST clouds count, as many of one as of the other: "clouds" of each. Raises
  UserError under 2 clouds, and for clouds with numbers that are not finite.
  """
  n = min(len(real), len(fake), MOST)
  real, fake = (np.asarray(x[:n], np.float32) for x in (real, fake))
  for name, x in (("real", real), ("generated", fake)):
    if n < FEWEST or not np.isfinite(x).all():
      raise UserError(
        f"{n} {name} clouds of {x.shape[1]} points: at least {FEWEST}, all finite, can be compared"
      )
  across = distances(fake, real)
  return {
    "one_nearest_neighbour": one_nearest_neighbour(
      distances(fake, fake), across, distances(real, real)
    ),
    "coverage": coverage(across),
    "mmd": mean_minimum(across),
    "clouds": n,
  }


def cloud_quality(real, fake, train) -> dict:
  """`compare` of generated clouds, with the same of training clouds as "oracle": the best there is.

  All are [N, P, 3], compared with `real` by the Chamfer distance.
  """
  return compare(real, fake) | {"oracle": compare(real, train)}
