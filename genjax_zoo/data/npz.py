"""A user's own arrays, from an npz file."""

from pathlib import Path
import zipfile
import zlib

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.dataset import SPLITS, Dataset, hold_out


def load(name: str, *, levels: int | None = None, seed: int = 0) -> Dataset:
  """The arrays of `npz:PATH`.

  Names are `train_image`, `train_label`, `test_image`, ..., also `validation_` or `valid_`; or
  without a split `image`, `label`, of which a tenth, drawn by `seed`, is the test split. An entry
  is kept if all splits have it. `image` [N, H, W(, C)] integers in [0, levels), `levels` by default
  2 if no pixel exceeds 1, else 256; any other entry [N, ...], such as `label` [N], `x` [N, D] or
  `tokens` [N, L], becomes int32, its levels the largest value + 1, or float32. Text is left out.
  Raises UserError where arrays are missing or disagree.
  """
  splits = _split(_read(Path(name.removeprefix("npz:")).expanduser(), name), name)
  keys = sorted(
    set.intersection(*(set(arrays) for arrays in splits.values())), key=lambda k: (k == "label", k)
  )
  if not keys:
    raise UserError(f"{name}: the splits {', '.join(splits)} have no array in common")
  fields, converted = {}, {split: {} for split in splits}
  for key in keys:
    arrays = {f"{split}_{key}": splits[split][key] for split in splits}
    fields[key], arrays = (
      _image(name, arrays, levels) if key == "image" else _numbers(name, key, arrays)
    )
    for split, x in zip(splits, arrays):
      converted[split][key] = x
  for split, arrays in converted.items():
    sizes = {k: len(x) for k, x in arrays.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
      raise UserError(
        f"{name}: split {split!r} needs as many of each entry and at least one, has {sizes}"
      )
  if splits.keys() == {"train"} and len(next(iter(converted["train"].values()))) < 2:
    raise UserError(f"{name}: one example can't be split into train and test")
  return Dataset(name, fields, hold_out(converted, seed))


def _read(path, name):
  """All numeric arrays of a file."""
  try:
    with np.load(path) as file:
      arrays = {k: file[k] for k in file.files}
  except FileNotFoundError as e:
    raise UserError(f"{name}: there is no such file") from e
  except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as e:
    raise UserError(f"{name}: can't be read as an npz file of plain arrays: {e}") from e
  return {k: x for k, x in arrays.items() if x.dtype.kind in "buif" and x.ndim}


def _split(arrays, name):
  """{split: {entry: array}} by the names of the arrays."""
  splits = {}
  for key, x in arrays.items():
    prefix, _, entry = key.partition("_")
    if prefix in SPLITS and entry:
      splits.setdefault(SPLITS[prefix], {})[entry] = x
  if not splits and ({"image", "x", "tokens"} & arrays.keys()):
    splits = {"train": arrays}
  if "train" not in splits:
    raise UserError(
      f"{name}: needs arrays train_image, test_image, ... or image (or x, or tokens), has {_shapes(arrays)}"
    )
  return splits


def _image(name, arrays, levels):
  """The field and the uint8 [N, H, W, C] arrays of images."""
  for key, x in arrays.items():
    if x.dtype.kind == "f":
      raise UserError(f"{name}: {key} is {x.dtype}; images must be integers: uint8 in [0, 256)")
    if x.ndim not in (3, 4):
      raise UserError(
        f"{name}: {key} has shape {x.shape}; images must be [N, H, W] or [N, H, W, C]"
      )
  top = _top(name, arrays)
  levels = levels or (2 if top <= 1 else 256)
  if top >= levels or levels > 256:
    raise UserError(
      f"{name}: images have values up to {top}, but must be in [0, {min(levels, 256)})"
    )
  arrays = [
    (x[..., None] if x.ndim == 3 else x).astype(np.uint8, copy=False) for x in arrays.values()
  ]
  return Field(arrays[0].shape[1:], np.uint8, levels), arrays


def _numbers(name, key, arrays):
  """The field and the int32 or float32 arrays of any other entry."""
  top, real = _top(name, arrays), any(x.dtype.kind == "f" for x in arrays.values())
  if key == "label" and (real or any(x.ndim > 1 for x in arrays.values())):
    raise UserError(f"{name}: labels must be integers [N], are {_shapes(arrays)}")
  if real and not all(np.isfinite(x).all() for x in arrays.values()):
    raise UserError(f"{name}: {key!r} holds numbers that are not finite")
  if key == "x" and real and len(still := _still(arrays)):
    raise UserError(
      f"{name}: column {still[0]} of x never changes in float32: leave it out, it has no density"
    )
  if not real and top > np.iinfo(np.int32).max:
    raise UserError(f"{name}: {key!r} has values up to {top}, too large for int32")
  dtype, levels = (np.float32, None) if real else (np.int32, int(top) + 1)
  return Field(next(iter(arrays.values())).shape[1:], dtype, levels), [
    x.astype(dtype) for x in arrays.values()
  ]


def _still(arrays):
  """The columns of a table [N, D] that hold one value."""
  x = np.concatenate(list(arrays.values())).astype(np.float32)
  return np.flatnonzero(np.ptp(x, 0) == 0) if x.ndim == 2 and len(x) > 1 else []


def _shapes(arrays):
  """Names, types and shapes, for messages."""
  return ", ".join(f"{key} {x.dtype}{list(x.shape)}" for key, x in arrays.items()) or "nothing"


def _top(name, arrays):
  """The largest value; UserError if the splits' shapes differ, or integers are negative."""
  if len({x.shape[1:] for x in arrays.values()}) > 1:
    raise UserError(f"{name}: examples differ in shape: {_shapes(arrays)}")
  for key, x in arrays.items():
    if x.size and x.dtype.kind == "i" and x.min() < 0:
      raise UserError(
        f"{name}: {key} has negative values; integers must start at 0 (as floats they may be negative)"
      )
  return max((x.max() for x in arrays.values() if x.size), default=0)
