"""Precision and recall, density and coverage of a fake set: fidelity and diversity separately.

With B_k(z) the ball around z that reaches its k-th nearest neighbour in its own set,

    precision = fraction of fakes inside some B_k(real)
    recall    = fraction of reals inside some B_k(fake)
    density   = mean over fakes of the number of B_k(real) around one, in units of that of a real
    coverage  = fraction of B_k(real) with a fake inside

Kynkaanniemi et al. 2019 (1904.06991, k = 3); Naeem et al. 2020 (2002.09797, k = 5). A ball is open
and has its centre. On data without ties that is the definition of the authors' `prdc` package, and
the numbers are equal. Repeated points (blank images, constant features) make balls of radius 0,
which that package leaves empty: all four measures of two such sets, though equal, come out 0 there
and 1 here. For that, `density` divides by the number of reals in a ball: k, but for ties.
"""

from collections.abc import Callable
import functools

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.metrics.distances import centred, feature_sets, row_blocks, squared_distances


def inside(squared, radius):
  """Whether points at `squared` distance of a centre are in its ball of squared `radius`."""
  return (squared < radius) | (squared == 0)


@functools.partial(jax.jit, static_argnums=2)
def reach(centres, points, ks):
  """Squared radii of B_k for each k of `ks`, [len(ks), B], and the points in the last ones, [B]."""
  squared = squared_distances(centres, points)
  nearest = -jax.lax.top_k(-squared, max(ks) + 1)[0]  # The nearest is the centre itself.
  radii = jnp.stack([nearest[:, k] for k in ks])
  return radii, inside(squared, radii[-1][:, None]).sum(1)


@jax.jit
def compare(real, fake, real_radii, fake_radius):
  """For a block of reals: fakes in their balls [M], the number in each, who is recalled [B]."""
  squared = squared_distances(real, fake)
  small, large = (inside(squared, radius[:, None]) for radius in real_radii)
  return small.any(0), large.sum(1), inside(squared, fake_radius[None]).any(1)


def prdc(real, fake, k: int = 3, k_density: int = 5, progress: Callable = iter) -> dict[str, float]:
  """{"precision", "recall", "density", "coverage"} of features fake [M, D] against real [N, D].

  `k` is the neighbourhood of precision and recall, `k_density` that of density and coverage.
  Memory: a few strips of `distances.BLOCK` numbers. Time: three passes over N x M. `progress` wraps
  the list of blocks of each pass. Raises UserError where a set has no k-th neighbour.
  """
  real, fake = feature_sets(real=real, fake=fake)
  most = max(k, k_density)
  for name, x in (("real", real), ("fake", fake)):
    if len(x) <= most:
      raise UserError(
        f"the {name} set has {len(x)} samples: neighbour number {most} needs at least {most + 1}"
      )
  real, fake = centred(real, fake)

  def radii(x, ks):
    parts = [jax.device_get(reach(x[rows], x, ks)) for rows in progress(row_blocks(len(x), len(x)))]
    return np.concatenate([r for r, _ in parts], 1), np.concatenate([size for _, size in parts])

  real_radii, real_size = radii(real, (k, k_density))
  (fake_radius,), _ = radii(fake, (k,))
  blocks = progress(row_blocks(len(real), len(fake)))
  parts = [
    jax.device_get(compare(real[rows], fake, real_radii[:, rows], fake_radius)) for rows in blocks
  ]
  precise, found, recalled = (list(x) for x in zip(*parts))
  found = np.concatenate(found)
  return {
    "precision": float(np.any(precise, 0).mean()),
    "recall": float(np.concatenate(recalled).mean()),
    "density": float((found / real_size).sum() / len(fake)),
    "coverage": float((found > 0).mean()),
  }
