"""A user's own arrays, from an npz file."""

from collections.abc import Mapping
from pathlib import Path
import zipfile
import zlib

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import table
from genjax_zoo.data.dataset import Dataset, found_line, hold_out, split_of

# The kinds of entries, by name; an entry that has none is a condition, such as a label.
KINDS = {"image": "image", "video": "video", "x": "vector", "points": "points", "tokens": "tokens"}
UNORDERED = "label", "tokens"
# What other files call images and labels: MedMNIST, Keras, scikit-learn.
RENAMED = {"images": "image", "labels": "label", "y": "label", "target": "label"}
CHANNELS = 1, 3, 4


def load(name: str, *, levels: int | None = None, seed: int = 0) -> Dataset:
  """The arrays of `npz:PATH`.

  Names are `train_image`, `train_label`, `test_image`, ..., also `validation_`, or as suffixes
  (`x_train`); or without a split `image`, `label`, of which a tenth, drawn by `seed`, is the test
  split. An entry is used if all splits have it; what is left out, `Dataset.found` says.

  `image` [N, H, W(, C)], and `video` [N, T, H, W, C], are integers in [0, levels); the gray levels
  are by default 2 if no pixel exceeds 1, else 256. `label` [N] are integers, or text. Any other
  entry [N, ...], such as `x` [N, D] or `tokens` [N, L], becomes int32, of the largest value + 1
  values, or float32 with the mean and the sd of the training split (standardize.py).

  Raises UserError where arrays are missing, disagree, or can't be what their name says.
  """
  path = Path(name.removeprefix("npz:")).expanduser()
  arrays, left_out = read(path, name)
  splits = split_arrays(arrays, name, left_out)
  common = set.intersection(*(set(entries) for entries in splits.values()))
  if not common:
    raise UserError(f"{name}: the splits {', '.join(splits)} have no array in common")
  for entries in splits.values():
    left_out |= {entries[k][0]: "not in all splits" for k in entries if k not in common}
  fields = {}
  converted = {split: {} for split in splits}
  for key in sorted(common, key=lambda k: (k == "label", k)):
    named = dict(entries[key] for entries in splits.values())
    fields[key], found = entry(name, key, named, levels)
    for split, x in zip(splits, found):
      converted[split][key] = x
  check_sizes(name, converted)
  divided = hold_out(converted, seed)
  for key, field in fields.items():
    if field.num_values is None:
      x = divided["train"][key]
      units = table.units(name, key, x, kind=field.kind, main=bool(field.kind))
      fields[key] = field._replace(**units)
  notes = notes_on(fields, divided["train"])
  if left_out:
    notes.append(f"left out: {', '.join(f'{k} ({why})' for k, why in left_out.items())}")
  found = found_line(name, fields, divided, drawn=len(splits) == 1, notes=notes)
  return Dataset(name, fields, divided, found=found)


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


def read(path: Path, name: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
  """(arrays of numbers and of text, {array: why it is left out}) of a file.

  Raises UserError where the file can't be read.
  """
  arrays, left_out = {}, {}
  try:
    if not zipfile.is_zipfile(path):
      raise UserError(no_npz(path, name))
    with np.load(path) as file:
      for key in file.files:
        try:
          x = file[key]
        except ValueError as e:
          if "pickle" not in str(e):
            raise
          left_out[key] = "Python objects"
          continue
        if not isinstance(x, np.ndarray) or not x.ndim or x.dtype.kind not in "buifUS":
          left_out[key] = "no array" if not isinstance(x, np.ndarray) else f"{x.dtype}{x.shape}"
          continue
        arrays[key] = x
  except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as e:
    raise UserError(f"{name}: can't be read as an npz file of plain arrays: {e}") from e
  return arrays, left_out


def no_npz(path: Path, name: str) -> str:
  """What a file is that is no zip file of arrays, and what to do."""
  if not path.exists():
    return f"{name}: there is no such file"
  if path.is_dir():
    return f"{name}: this is a folder; images are read by folder:{path}"
  with open(path, "rb") as file:
    if file.read(6) == b"\x93NUMPY":
      return (
        f"{name}: can't be read: this is the npy file of one array; write it anew by "
        "numpy.savez(path, image=array), or x=array for a table"
      )
  return f"{name}: can't be read: this is no npz file, which numpy.savez(path, image=...) writes"


def split_arrays(arrays: dict, name: str, left_out: dict) -> dict[str, dict[str, tuple]]:
  """{split: {entry: (its name in the file, array)}}.

  Raises UserError without "train", and where two arrays are the same entry of a split.
  """
  splits, whole = {}, {}
  for key, x in arrays.items():
    split, rest = split_and_entry(key)
    entry = entry_name(rest, x)
    group = splits.setdefault(split, {}) if split else whole
    if entry in group:
      raise UserError(
        f"{name}: {group[entry][0]} and {key} are both {entry!r}"
        f"{f' of the split {split!r}' if split else ''}: leave one out"
      )
    group[entry] = key, x
  known = [k for k in whole if k in KINDS or k == "label"]
  if splits and (both := [k for k in known if any(k in entries for entries in splits.values())]):
    raise UserError(
      f"{name}: {whole[both[0]][0]} has no split, and {', '.join(splits)} have one of the same "
      "entry: leave it out, or name its split"
    )
  if not splits and known != ["label"] and known:
    splits = {"train": whole}
  elif splits:
    left_out |= {key: "of no split" for key, _ in whole.values()}
  if "train" not in splits:
    has = [shapes(arrays)] if arrays else []
    has += [f"{key} ({why})" for key, why in left_out.items()]
    raise UserError(
      f"{name}: needs arrays train_image, test_image, ... or image (or x, or tokens), "
      f"has {', '.join(has) or 'nothing'}"
    )
  refused = {entry_name(split_and_entry(key)[1], None): (key, why) for key, why in left_out.items()}
  for entry in refused.keys() & {*KINDS, "label"}:
    key, why = refused[entry]
    if why != "of no split":
      raise UserError(f"{name}: {key} is {why}: {entry!r} must be a plain array of numbers")
  return splits


def split_and_entry(key: str) -> tuple[str | None, str]:
  """("train", "image") of train_image or image_train; (None, key) where neither end is a split."""
  first, _, rest = key.partition("_")
  if rest and split_of(first):
    return split_of(first), rest
  rest, _, last = key.rpartition("_")
  if rest and split_of(last):
    return split_of(last), rest
  return None, key


def entry_name(key: str, x: np.ndarray | None) -> str:
  """The entry that an array of a file is, by its name; images may be called x, as in Keras."""
  name = key.lower()
  name = RENAMED.get(name, name)
  known = name in KINDS or name == "label"
  if name == "x" and x is not None and x.dtype.kind in "bui" and x.ndim > 2:
    return "image"
  if name == "label" and key.lower() != "label" and x is not None and x.dtype.kind == "f":
    return key  # A quantity to be predicted, no class.
  return name if known else key


def entry(name: str, key: str, arrays: dict, levels: int | None) -> tuple[Field, list[np.ndarray]]:
  """The field and the arrays of an entry, from {name in the file: array}, in order of the splits.

  Raises UserError for what can't be such an entry.
  """
  if len({x.shape[1:] for x in arrays.values()}) > 1:
    raise UserError(f"{name}: examples differ in shape: {shapes(arrays)}")
  if key == "label":
    return labels(name, arrays)
  if any(x.dtype.kind in "US" for x in arrays.values()):
    raise UserError(f"{name}: {shapes(arrays)} is text; {key!r} must be numbers")
  if key in ("image", "video"):
    return images(name, key, arrays, levels)
  return numbers(name, key, arrays)


def images(name: str, key: str, arrays: dict, levels: int | None) -> tuple[Field, list[np.ndarray]]:
  """The field and the uint8 arrays [N, H, W, C] of images, or [N, T, H, W, C] of video."""
  for source, x in arrays.items():
    check_axes(name, source, x, 5 if key == "video" else 4)
    if x.dtype.kind == "f":
      scaled = f"{source} * 255" if x.size and np.nanmax(x) <= 1 else source
      raise UserError(
        f"{name}: {source} is {x.dtype}; images must be integers: save "
        f"({scaled}).round().astype(np.uint8)"
      )
  top = largest(name, arrays)
  num_values = levels or (2 if top <= 1 else 256)
  if top >= num_values or num_values > 256:
    advice = "; of 16 bits, save image // 256 as uint8" if top > 255 else ""
    raise UserError(
      f"{name}: images have values up to {top}, but must be in [0, {min(num_values, 256)}){advice}"
    )
  channels = [x[..., None] if x.ndim == 3 else x for x in arrays.values()]
  converted = [x.astype(np.uint8, copy=False) for x in channels]
  return Field(converted[0].shape[1:], np.uint8, num_values, kind=key), converted


def check_axes(name: str, source: str, x: np.ndarray, axes: int):
  """Raises UserError, with the call that mends it, for images whose axes are in another order."""
  wanted = "[N, T, H, W, C]" if axes == 5 else "[N, H, W] or [N, H, W, C]"
  wrong = f"{name}: {source} has shape {list(x.shape)}; it must be {wanted}"
  if x.ndim not in ((5,) if axes == 5 else (3, 4)):
    side = round(x.shape[1] ** 0.5) if x.ndim == 2 else 0
    square = (
      f": save {source}.reshape(-1, {side}, {side})" if side and side**2 == x.shape[1] else ""
    )
    raise UserError(f"{wrong}{square}")
  if 0 in x.shape[1:]:
    raise UserError(f"{wrong}, and has no pixels")
  if x.ndim == 3 or x.shape[-1] in CHANNELS:
    return
  last = x.ndim - 1
  if x.shape[-3] in CHANNELS:  # [N, (T,) C, H, W]
    order = (*range(last - 2), last - 1, last, last - 2)
  elif x.shape[-2] in CHANNELS and x.ndim == 4:  # [H, W, C, N]
    order = (3, 0, 1, 2)
  else:
    return
  raise UserError(f"{wrong}: save {source}.transpose({', '.join(map(str, order))})")


def labels(name: str, arrays: dict) -> tuple[Field, list[np.ndarray]]:
  """The field and the int32 arrays [N] of classes, from integers [N] or [N, 1], or from text.

  Raises UserError for other labels, and where most numbers up to the largest are no class.
  """
  flat = {k: x[:, 0] if x.ndim == 2 and x.shape[1] == 1 else x for k, x in arrays.items()}
  if any(x.ndim > 1 for x in flat.values()):
    advice = ": save label.argmax(1)" if all(one_hot(x) for x in flat.values()) else ""
    raise UserError(f"{name}: labels must be integers [N], are {shapes(arrays)}{advice}")
  if any(x.dtype.kind in "US" for x in flat.values()):
    decoded = [x.astype(str) for x in flat.values()]
    names = np.unique(np.concatenate(decoded))
    converted = [np.searchsorted(names, x).astype(np.int32) for x in decoded]
    return Field((), np.int32, len(names), tuple(map(str, names)), ordered=False), converted
  for source, x in flat.items():
    if x.dtype.kind == "f" and not (x == np.round(x)).all():
      raise UserError(f"{name}: labels must be integers [N], and {source} has others, or NaN")
  whole = {k: x.astype(np.int64) if x.dtype.kind == "f" else x for k, x in flat.items()}
  top = int(largest(name, whole))
  classes = len(np.unique(np.concatenate(list(whole.values()))))
  if top + 1 > 2 * max(classes, 1) and top > 1:
    raise UserError(
      f"{name}: labels reach {top}, and only {classes} of these numbers occur: number the classes "
      "from 0 by numpy.unique(label, return_inverse=True)[1], or save their names"
    )
  converted = [x.astype(np.int32) for x in whole.values()]
  return Field((), np.int32, top + 1, ordered=False), converted


def one_hot(x: np.ndarray) -> bool:
  """Whether rows [N, K] are 0 but for one 1."""
  return (
    x.ndim == 2 and x.dtype.kind in "buif" and bool(((x == 1).sum(1) == 1).all() and x.max() <= 1)
  )


def numbers(name: str, key: str, arrays: dict) -> tuple[Field, list[np.ndarray]]:
  """The field and the int32 or float32 arrays of an entry that is neither images nor labels."""
  shape = next(iter(arrays.values())).shape[1:]
  about = {"ordered": key not in UNORDERED, "kind": KINDS.get(key, "")}
  if any(x.dtype.kind == "f" for x in arrays.values()):
    if key == "tokens":
      raise UserError(f"{name}: tokens must be integers, are {shapes(arrays)}")
    return Field(shape, np.float32, **about), table.to_float32(name, key, arrays)
  top = int(largest(name, arrays))
  if top > np.iinfo(np.int32).max:
    raise UserError(f"{name}: {key!r} has values up to {top}, too large for int32")
  field = Field(shape, np.int32, top + 1, **about)
  return field, [x.astype(np.int32) for x in arrays.values()]


def notes_on(fields: Mapping[str, Field], train: Mapping[str, np.ndarray]) -> list[str]:
  """What of the training split may not be as meant: classes without examples, rounded columns."""
  notes = []
  if "label" in fields:
    absent = np.setdiff1d(np.arange(fields["label"].num_values), train["label"])
    if len(absent):
      notes.append(f"no training example of the class {', '.join(map(str, absent[:8]))}")
  if "x" in fields and fields["x"].sd:
    x = table.columns(train["x"])
    different = [len(np.unique(column)) for column in x.T]
    if 10 * min(different) < len(x):
      column = int(np.argmin(different))
      notes.append(f"column {column} of x has {min(different):,} different values: is it rounded?")
  return notes


def shapes(arrays: dict) -> str:
  """Names, types and shapes, for messages."""
  return ", ".join(f"{key} {x.dtype}{list(x.shape)}" for key, x in arrays.items()) or "nothing"


def largest(name: str, arrays: dict):
  """The largest value. Raises UserError if integers are negative."""
  for key, x in arrays.items():
    if x.size and x.dtype.kind == "i" and x.min() < 0:
      raise UserError(
        f"{name}: {key} has negative values; "
        "integers must start at 0 (as floats they may be negative)"
      )
  return max((x.max() for x in arrays.values() if x.size), default=0)
