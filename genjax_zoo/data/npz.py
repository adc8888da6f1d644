"""A user's own arrays, from an npz file."""

from collections.abc import Mapping
from pathlib import Path
import zipfile
import zlib

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.data import arrays, table
from genjax_zoo.data.dataset import Dataset, found_line, hold_out, split_of

KNOWN = {*arrays.KINDS, "label"}
# What MedMNIST, Keras and scikit-learn call images and labels.
RENAMED = {"images": "image", "labels": "label", "y": "label", "target": "label"}
RENAMED |= dict.fromkeys(("caption", "captions", "text"), "tokens")


def load(name: str, *, levels: int | None = None, vocabulary: int = 1000, seed: int = 0) -> Dataset:
  """The arrays of `npz:PATH`.

  Names are `train_image`, `train_label`, `test_image`, ..., also `validation_`, or as suffixes
  (`x_train`); or without a split `image`, `label`, of which a tenth, drawn by `seed`, is the test
  split. An entry is used if all splits have it; what is left out, `Dataset.found` says.

  `image` [N, H, W(, C)], and `video` [N, T, H, W, C], are integers in [0, levels); the gray levels
  are by default 2 if no pixel exceeds 1, else 256. `label` [N] are integers, or text. `caption` [N]
  is text, which becomes "tokens", of a BPE of at most `vocabulary` tokens, or of words if it is 0.
  Any other entry [N, ...], such as `x` [N, D] or `tokens` [N, L], becomes int32, of the largest
  value + 1 values, or float32 with the mean and the sd of the training split (standardize.py).
  `image` and `target` may be pairs, `image_a` and `image_b` domains without pairs, of as many
  images.

  Raises UserError where arrays are missing, disagree, or can't be what their name says.
  """
  found, left_out = read(Path(name.removeprefix("npz:")).expanduser(), name)
  splits = split_arrays(found, name, left_out)
  common = set.intersection(*(set(entries) for entries in splits.values()))
  if not common:
    raise UserError(f"{name}: the splits {', '.join(splits)} have no array in common")
  for entries in splits.values():
    left_out |= {entries[k][0]: "not in all splits" for k in entries if k not in common}
  fields = {}
  converted = {split: {} for split in splits}
  # The main entry comes first: of pairs the target.
  for key in sorted(common, key=lambda k: (k == "label", k != "target", k)):
    of_splits = dict(entries[key] for entries in splits.values())
    fields[key], rows = arrays.entry(name, key, of_splits, levels, vocabulary)
    for split, x in zip(splits, rows):
      converted[split][key] = x
  check_sizes(name, converted)
  converted = hold_out(converted, seed)
  for key, field in fields.items():
    if field.num_values is None:
      x = converted["train"][key]
      units = table.units(name, key, x, kind=field.kind, main=bool(field.kind))
      fields[key] = field._replace(**units)
  notes = arrays.notes_on(fields, converted["train"])
  if left_out:
    notes.append(f"left out: {', '.join(f'{k} ({why})' for k, why in left_out.items())}")
  line = found_line(name, fields, converted, drawn=len(splits) == 1, notes=notes)
  unpaired = ("image_b",) if {"image_a", "image_b"} <= fields.keys() else ()
  return Dataset(name, fields, converted, unpaired=unpaired, found=line)


def check_sizes(name: str, splits: Mapping):
  """Raises UserError unless all entries of a split have the same number of examples, and enough."""
  for split, entries in splits.items():
    sizes = {k: len(x) for k, x in entries.items()}
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
  found, left_out = {}, {}
  try:
    if not zipfile.is_zipfile(path):
      raise UserError(f"{name}: {no_npz(path)}")
    with np.load(path) as file:
      for key in file.files:
        x = plain_array(file, key)
        if isinstance(x, str):
          left_out[key] = x
        else:
          found[key] = x
  except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as e:
    raise UserError(f"{name}: can't be read as an npz file of plain arrays: {e}") from e
  return found, left_out


def plain_array(file, key: str) -> np.ndarray | str:
  """An array of numbers or text, [N, ...], from an npz file; what it is instead, if it is none."""
  try:
    x = file[key]
  except ValueError as e:
    if "pickle" not in str(e):
      raise
    return "Python objects"
  if not isinstance(x, np.ndarray):
    return "no array"
  return x if x.ndim and x.dtype.kind in "buifUS" else f"{x.dtype}{x.shape}"


def no_npz(path: Path) -> str:
  """What a file is that is no zip file of arrays, and what to do."""
  if not path.exists():
    return "there is no such file"
  if path.is_dir():
    return f"this is a folder; images are read by folder:{path}"
  with open(path, "rb") as file:
    if file.read(6) == b"\x93NUMPY":
      return (
        "can't be read: this is the npy file of one array; write it anew by "
        "numpy.savez(path, image=array), or x=array for a table"
      )
  return "can't be read: this is no npz file, which numpy.savez(path, image=...) writes"


def split_arrays(found: Mapping, name: str, left_out: dict) -> dict[str, dict[str, tuple]]:
  """{split: {entry: (its name in the file, array)}}; arrays of no split are left out.

  Raises UserError without "train", and where two arrays are the same entry of a split.
  """
  splits = {}
  for key, x in found.items():
    split, rest = split_and_entry(key)
    entries = splits.setdefault(split, {})
    entry = entry_name(rest, x)
    if entry in entries:
      of = f" of the split {split!r}" if split else ""
      raise UserError(
        f"{name}: {entries[entry][0]} and {key} are both {entry!r}{of}: leave one out"
      )
    entries[entry] = key, x
  check_left_out(name, left_out)
  whole = splits.pop(None, {})
  if splits:
    check_whole(name, whole, splits)
    left_out |= {key: "of no split" for key, _ in whole.values()}
  elif whole.keys() & arrays.KINDS.keys():
    splits = {"train": whole}
  if "train" not in splits:
    has = [arrays.shapes(found)] if found else []
    has += [f"{key} ({why})" for key, why in left_out.items()]
    raise UserError(
      f"{name}: needs arrays train_image, test_image, ... or image (or x, or tokens), "
      f"has {', '.join(has) or 'nothing'}"
    )
  return splits


def check_left_out(name: str, left_out: Mapping[str, str]):
  """Raises UserError for an array that can't be used, and whose name is that of an entry."""
  for key, why in left_out.items():
    entry = entry_name(split_and_entry(key)[1])
    if entry in KNOWN:
      raise UserError(f"{name}: {key} is {why}: {entry!r} must be a plain array of numbers")


def check_whole(name: str, whole: Mapping, splits: Mapping):
  """Raises UserError for an entry both with a split and without one."""
  for entry, (key, _) in whole.items():
    if entry in KNOWN and any(entry in entries for entries in splits.values()):
      raise UserError(
        f"{name}: {key} has no split, and {', '.join(splits)} have one of the same entry: leave it "
        "out, or name its split"
      )


def split_and_entry(key: str) -> tuple[str | None, str]:
  """("train", "image") of train_image or image_train; (None, key) where neither end is a split."""
  first, _, rest = key.partition("_")
  if rest and split_of(first):
    return split_of(first), rest
  rest, _, last = key.rpartition("_")
  if rest and split_of(last):
    return split_of(last), rest
  return None, key


def entry_name(key: str, x: np.ndarray | None = None) -> str:
  """The entry that an array of a file is, by its name and, if it is known, by the array.

  Images may be called x, as in Keras. A target is a class, an image, or a quantity y if it is real.
  """
  name = key.lower()
  classes = x is None or (x.dtype.kind != "f" and x.ndim <= 2)
  if name == "x" and x is not None and x.ndim > 2 and x.dtype.kind in "bui":
    return "image"
  if RENAMED.get(name) == "label" and not classes and name != "labels":
    return name if name in KNOWN and x.ndim > 2 else "y"
  name = RENAMED.get(name, name)
  return name if name in KNOWN else key
