"""Point clouds on the way from one to another."""

import jax
import numpy as np

from genjax_zoo.data.dataset import kind_of, main_entry
from genjax_zoo.figures import space
from genjax_zoo.figures.common import first_rows, main
from genjax_zoo.figures.pictures import grid
from genjax_zoo.prob.interpolation import spherical
from genjax_zoo.sharding import jit

ROWS = 6
COLUMNS = 7


def noise_interpolations(run, dataset, test, encoded):
  """Rows from one test cloud to another along the great circles between their noises."""
  kind = kind_of(dataset.fields[main_entry(dataset.fields)])
  rows = min(ROWS, len(main(test, dataset)) // 2)
  if "noise" not in run.model.parts or kind != "points" or not rows:
    return None
  ends = first_rows(test, 2 * rows)
  noise = jit(run.model.parts["noise"])(run.weights, run.state, ends, jax.random.key(0))
  decoded = run.decode({name: between(np.asarray(x), rows) for name, x in noise.items()})
  caption = (
    "Interpolations: each row goes from one test cloud to another, by equal steps along the great "
    "circles between the noises to which the probability-flow ODE takes their latents."
  )
  return grid(space.clouds(main(decoded, dataset)), 256, COLUMNS), caption


def between(x, rows: int) -> np.ndarray:
  """Steps from each of the first `rows` of x [2 rows, ...] to that many rows later.

  [rows COLUMNS, ...], on great circles; of what is no real number, the first.
  """
  first, last = (np.repeat(half, COLUMNS, 0) for half in (x[:rows], x[rows:]))
  if not np.issubdtype(x.dtype, np.floating):
    return first
  t = np.tile(np.linspace(0, 1, COLUMNS, dtype=np.float32), rows)[:, None]
  flat = lambda a: a.reshape(len(a), -1)
  return np.asarray(spherical(flat(first), flat(last), t)).reshape(first.shape)
