"""Squared distances between sets of features [N, D], one block of rows at a time.

A metric over pairs never holds the N x M matrix: `row_blocks` cuts it into strips of at most BLOCK
entries, so that 50,000 x 50,000 (10 GB in float32) needs the memory of a few strips of 64 MiB
beside the features themselves.
"""

import jax
from jax import lax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError

BLOCK = 2**24  # Distances in memory at once: 64 MiB of float32.
# Up to this dimension differences are summed directly; above it they come from a matrix product.
EXACT = 128
# So are squared distances below this part of |x|^2 + |y|^2, where the product's rounding counts.
NEAR = 1e-3
CHUNK = 128


def feature_sets(**sets) -> list[np.ndarray]:
  """The named sets as float32 arrays [N, D].

  Raises UserError naming the set that is not N x D, not finite, or of another D.
  """
  arrays = [np.asarray(x, np.float32) for x in sets.values()]
  for name, x in zip(sets, arrays):
    if x.ndim != 2 or not x.size:
      raise UserError(
        f"the {name} features have shape {x.shape}: a metric takes [N, D], one row a sample"
      )
    if x.shape[1] != arrays[0].shape[1]:
      raise UserError(
        f"the {name} features have D = {x.shape[1]}, "
        f"the {next(iter(sets))} features {arrays[0].shape[1]}"
      )
    if bad := np.count_nonzero(~np.isfinite(x).all(1)):
      raise UserError(
        f"{bad} of {len(x)} {name} samples have a feature that is not finite: look at the samples"
      )
  return arrays


def centred(*sets: np.ndarray) -> list[jax.Array]:
  """The sets on the device, minus the mean of the first.

  Distances stay the same, and lose fewer digits to large norms.
  """
  mean = sets[0].mean(0, dtype=np.float64)
  return [jnp.asarray(x - mean[None], jnp.float32) for x in sets]


def row_blocks(rows: int, columns: int) -> list[slice]:
  """Slices of `range(rows)`, each of at most BLOCK / columns rows (and at least one)."""
  step = max(1, BLOCK // columns)
  return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]


def squared_distances(x, y):
  """|x_i - y_j|^2 [N, M] of x [N, D] and y [M, D], 0 for equal points.

  The form |x|^2 + |y|^2 - 2 x.y is ten times faster than differences for large D, but rounds by
  about 1e-6 of |x|^2 + |y|^2, which is much where two points nearly meet: of these, and for D <=
  128, the differences are summed. Both are in full float32 on every device.
  """
  if x.shape[1] <= EXACT:
    return jnp.sum(jnp.square(x[:, None] - y[None]), -1)
  norms = jnp.sum(x * x, 1)[:, None] + jnp.sum(y * y, 1)[None]
  squared = norms - 2 * jnp.matmul(x, y.T, precision=lax.Precision.HIGHEST)
  return summed_where(squared <= NEAR * norms, squared, x, y)


def summed_where(near, squared, x, y):
  """`squared` [N, M] with sum (x_i - y_j)^2 wherever `near` [N, M] is true, by CHUNK y_j a time."""
  size = min(CHUNK, len(y))
  y = jnp.asarray(y)

  def row(inputs):
    near, squared, x = inputs

    def some(carry):
      near, squared = carry
      (j,) = jnp.nonzero(near, size=size, fill_value=len(y))  # What is beyond y is dropped below.
      summed = jnp.sum(jnp.square(x[None] - y.at[j].get(mode="clip")), -1)
      return near.at[j].set(False, mode="drop"), squared.at[j].set(summed, mode="drop")

    return lax.while_loop(lambda carry: carry[0].any(), some, (near, squared))[1]

  return lax.map(row, (near, squared, x))
