"""Real numbers of a user: whether float32 can hold them, their units, and whether they vary.

Columns are the last axis of an entry [N, ..., D]; what has no last axis is one column.
"""

from collections.abc import Mapping

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.data.dataset import Dataset, main_entry, take

# Beyond these, differences and quotients of float32 numbers overflow or underflow.
LARGEST = 1e37
LEAST_SD = 1e-31
COARSE = 0.05  # The largest step between float32 numbers of a column, in standard deviations.
# A value in more of a column's rows than this share, and than 3 of them, is no accident.
SHARE = 0.1
ROWS = 10_000  # Rows in which columns are searched for such values.
DEPENDENT = 1e-10  # The variance of a combination of standardised columns that is constant.


def to_float32(name: str, key: str, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
  """The arrays {name in the file: [N, ...]} of the entry `key` as float32.

  Raises UserError, naming the place, for what is not finite or too large.
  """
  converted = []
  for source, x in arrays.items():
    if not np.isfinite(x).all():
      where = ", ".join(map(str, np.argwhere(~np.isfinite(x))[0]))
      raise UserError(
        f"{name}: {source}[{where}] is not finite ({(~np.isfinite(x)).sum():,} of {x.size:,} "
        "numbers): leave such rows out, or fill them in"
      )
    wide = columns(x)
    largest = np.abs(wide).max(0, initial=0).astype(np.float64)
    if (largest > LARGEST).any():
      column = int(largest.argmax())
      raise UserError(
        f"{name}: column {column} of {key} reaches {largest[column]:.3g}, too large for float32: "
        "take another unit"
      )
    converted.append(x.astype(np.float32))
  return converted


def columns(x: np.ndarray) -> np.ndarray:
  """An entry [N, ..., D] as [M, D]; one of numbers [N] as [N, 1]."""
  return x.reshape(-1, x.shape[-1] if x.ndim > 1 else 1)


def units(name: str, key: str, x: np.ndarray, *, kind: str, main: bool) -> dict:
  """{"mean", "sd"}: of each column of the training rows float32 [N, ..., D], as a Field has them.

  Of points the sd is one of all coordinates, so that shapes stay as they are. Raises UserError for
  a column of the `main` entry without variance; of another entry its sd is 1.
  """
  wide = columns(x).astype(np.float64)
  mean, sd = wide.mean(0), wide.std(0)
  if kind == "points":
    sd = np.full_like(sd, np.sqrt((sd**2).mean()))
  if main:
    check_variance(name, key, wide, sd)
  sd = np.where(sd < LEAST_SD, 1.0, sd)
  rounded = lambda values: tuple(float(value) for value in values.astype(np.float32))
  return {"mean": rounded(mean), "sd": rounded(sd)}


def check_variance(name: str, key: str, x: np.ndarray, sd: np.ndarray):
  """Raises UserError for a column of x [N, D] that hardly varies, for its sd [D], in float32."""
  step = np.spacing(np.abs(x).max(0, initial=0).astype(np.float32))
  coarse = np.flatnonzero(step > COARSE * sd)
  if (sd == 0).any():
    column = int(sd.argmin())
    raise UserError(
      f"{name}: column {column} of {key} never changes in float32: leave it out, it has no "
      "density; if it does change in the file, subtract its mean there"
    )
  if (sd < LEAST_SD).any():
    column = int(sd.argmin())
    raise UserError(
      f"{name}: column {column} of {key} has a standard deviation of {sd[column]:.3g}, too small "
      "for float32: take another unit"
    )
  if len(coarse):
    column = coarse[0]
    raise UserError(
      f"{name}: column {column} of {key} is about {np.abs(x[:, column]).max():.3g} and has a "
      f"standard deviation of {sd[column]:.3g}: float32 has too few digits; subtract its mean"
    )


def check_density(dataset: Dataset):
  """Raises UserError for a table to which no density can be fitted: it would grow without bound.

  Such are a column with one value in many rows, and one that the others determine.
  """
  key = main_entry(dataset.fields)
  field = dataset.fields[key]
  if not field.sd or len(field.shape) > 1:
    return
  train = dataset.splits["train"]
  n = len(train[key])
  rows = np.arange(0, n, -(-n // ROWS))
  x = columns(take(train, rows)[key])
  # As models see them: beside an outlier all other numbers are one.
  standard = (x - np.float32(field.mean)) / np.float32(field.sd)
  for column, y in enumerate(standard.T):
    _, first, counts = np.unique(y, return_index=True, return_counts=True)
    if counts.max() > max(SHARE * len(x), 3):
      raise UserError(
        f"{dataset.name}: column {column} of {key} is {x[first[counts.argmax()], column]:g} in "
        f"{counts.max() / len(x):.0%} of the rows: a density of it has no bound. Leave the column "
        "out, or add to it noise as wide as its rounding"
      )
  check_dependence(dataset.name, key, standard.astype(np.float64))


def check_dependence(name: str, key: str, x: np.ndarray):
  """Raises UserError for standardised rows [N, D], N > D, of which a combination is constant."""
  n, dim = x.shape
  if n <= dim or dim < 2 or dim > 1000:
    return
  variances, directions = np.linalg.eigh(np.cov(x, rowvar=False))
  if variances[0] < DEPENDENT:
    weights = np.abs(directions[:, 0])
    involved = np.flatnonzero(weights > 1e-3 * weights.max())
    named = ", ".join(map(str, involved[:10]))
    raise UserError(
      f"{name}: columns {named} of {key} determine each other (a sum of their multiples never "
      "changes): a density of them has no bound. Leave one out"
    )
