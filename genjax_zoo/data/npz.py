"""A user's own arrays, from an npz file."""

from pathlib import Path
import zipfile
import zlib

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.dataset import SPLITS, Dataset, hold_out

KINDS = {"x": "vector", "tokens": "tokens"}  # Of entries that are no images, by name.
UNORDERED = "label", "tokens"


def load(name: str, *, levels: int | None = None, seed: int = 0) -> Dataset:
  """The arrays of `npz:PATH`.

  Names are `train_image`, `train_label`, `test_image`, ..., also `validation_` or `valid_`; or
  without a split `image`, `label`, of which a tenth, drawn by `seed`, is the test split. An entry
  is used if all splits have it. `image` [N, H, W(, C)] are integers in [0, levels); the gray levels
  are by default 2 if no pixel exceeds 1, else 256. Any other entry [N, ...], such as `label` [N],
  `x` [N, D] or `tokens` [N, L], becomes int32, of the largest value + 1 values, or float32. Text is
  left out. Raises UserError where arrays are missing or disagree.
  """
  path = Path(name.removeprefix("npz:")).expanduser()
  splits = split_arrays(read(path, name), name)
  common = set.intersection(*(set(arrays) for arrays in splits.values()))
  if not common:
    raise UserError(f"{name}: the splits {', '.join(splits)} have no array in common")
  fields = {}
  converted = {split: {} for split in splits}
  for key in sorted(common, key=lambda k: (k == "label", k)):
    arrays = {f"{split}_{key}": splits[split][key] for split in splits}
    if key == "image":
      fields[key], arrays = images(name, arrays, levels)
    else:
      fields[key], arrays = numbers(name, key, arrays)
    for split, x in zip(splits, arrays):
      converted[split][key] = x
  check_sizes(name, converted)
  return Dataset(name, fields, hold_out(converted, seed))


def check_sizes(name: str, splits: dict):
  """Raises UserError unless all entries of a split have the same number of examples, and enough."""
  for split, arrays in splits.items():
    sizes = {k: len(x) for k, x in arrays.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
      raise UserError(
        f"{name}: split {split!r} needs as many of each entry and at least one, has {sizes}"
      )
  if splits.keys() == {"train"} and len(next(iter(splits["train"].values()))) < 2:
    raise UserError(f"{name}: one example can't be split into train and test")


def read(path: Path, name: str) -> dict[str, np.ndarray]:
  """All numeric arrays of a file. Raises UserError where it can't be read."""
  try:
    with np.load(path) as file:
      arrays = {k: file[k] for k in file.files}
  except FileNotFoundError as e:
    raise UserError(f"{name}: there is no such file") from e
  except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as e:
    raise UserError(f"{name}: can't be read as an npz file of plain arrays: {e}") from e
  return {k: x for k, x in arrays.items() if x.dtype.kind in "buif" and x.ndim}


def split_arrays(arrays: dict, name: str) -> dict[str, dict[str, np.ndarray]]:
  """{split: {entry: array}}, by the names of the arrays. Raises UserError without "train"."""
  splits = {}
  for key, x in arrays.items():
    prefix, _, entry = key.partition("_")
    if prefix in SPLITS and entry:
      splits.setdefault(SPLITS[prefix], {})[entry] = x
  if not splits and ({"image", "x", "tokens"} & arrays.keys()):
    splits = {"train": arrays}
  if "train" not in splits:
    raise UserError(
      f"{name}: needs arrays train_image, test_image, ... or image (or x, or tokens), "
      f"has {shapes(arrays)}"
    )
  return splits


def images(name: str, arrays: dict, num_values: int | None) -> tuple[Field, list[np.ndarray]]:
  """The field and the uint8 [N, H, W, C] arrays of images."""
  for key, x in arrays.items():
    if x.dtype.kind == "f":
      raise UserError(f"{name}: {key} is {x.dtype}; images must be integers: uint8 in [0, 256)")
    if x.ndim not in (3, 4):
      raise UserError(
        f"{name}: {key} has shape {x.shape}; images must be [N, H, W] or [N, H, W, C]"
      )
  top = largest(name, arrays)
  num_values = num_values or (2 if top <= 1 else 256)
  if top >= num_values or num_values > 256:
    raise UserError(
      f"{name}: images have values up to {top}, but must be in [0, {min(num_values, 256)})"
    )
  with_channels = [x[..., None] if x.ndim == 3 else x for x in arrays.values()]
  converted = [x.astype(np.uint8, copy=False) for x in with_channels]
  return Field(converted[0].shape[1:], np.uint8, num_values, kind="image"), converted


def numbers(name: str, key: str, arrays: dict) -> tuple[Field, list[np.ndarray]]:
  """The field and the int32 or float32 arrays of an entry that is no image."""
  top = largest(name, arrays)
  real = any(x.dtype.kind == "f" for x in arrays.values())
  if key == "label" and (real or any(x.ndim > 1 for x in arrays.values())):
    raise UserError(f"{name}: labels must be integers [N], are {shapes(arrays)}")
  if real and not all(np.isfinite(x).all() for x in arrays.values()):
    raise UserError(f"{name}: {key!r} holds numbers that are not finite")
  if key == "x" and real and len(constant := constant_columns(arrays)):
    raise UserError(
      f"{name}: column {constant[0]} of x never changes in float32: leave it out, it has no density"
    )
  if not real and top > np.iinfo(np.int32).max:
    raise UserError(f"{name}: {key!r} has values up to {top}, too large for int32")
  dtype = np.float32 if real else np.int32
  field = Field(
    next(iter(arrays.values())).shape[1:],
    dtype,
    None if real else int(top) + 1,
    ordered=key not in UNORDERED,
    kind=KINDS.get(key, ""),
  )
  return field, [x.astype(dtype) for x in arrays.values()]


def constant_columns(arrays: dict) -> np.ndarray:
  """The columns of a table [N, D] that hold one value."""
  x = np.concatenate(list(arrays.values())).astype(np.float32)
  if x.ndim != 2 or len(x) < 2:
    return np.array([], int)
  return np.flatnonzero(np.ptp(x, 0) == 0)


def shapes(arrays: dict) -> str:
  """Names, types and shapes, for messages."""
  return ", ".join(f"{key} {x.dtype}{list(x.shape)}" for key, x in arrays.items()) or "nothing"


def largest(name: str, arrays: dict):
  """The largest value. Raises UserError if splits differ in shape, or integers are negative."""
  if len({x.shape[1:] for x in arrays.values()}) > 1:
    raise UserError(f"{name}: examples differ in shape: {shapes(arrays)}")
  for key, x in arrays.items():
    if x.size and x.dtype.kind == "i" and x.min() < 0:
      raise UserError(
        f"{name}: {key} has negative values; "
        "integers must start at 0 (as floats they may be negative)"
      )
  return max((x.max() for x in arrays.values() if x.size), default=0)
