"""What a data set is, and the two forms of its examples: arrays in memory, or a source on disk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Any, NamedTuple

import numpy as np

from genjax_zoo.core import Field


@dataclass(frozen=True)
class Source:
  """Examples read one at a time: `source[i] = read(items[i])`, a dict of NumPy arrays."""

  items: Sequence
  read: Callable

  def __len__(self) -> int:
    return len(self.items)

  def __getitem__(self, i) -> dict[str, np.ndarray]:
    return self.read(self.items[i])

  def __getitems__(self, indices) -> list[dict[str, np.ndarray]]:
    """Many examples at once, by the name that grain and tensorflow-datasets look for.

    Several times faster where the items have it too.
    """
    many = getattr(self.items, "__getitems__", None)
    items = many(indices) if many else map(self.items.__getitem__, indices)
    return [self.read(item) for item in items]


# What files and folders call the splits, in any case.
SPLITS = {
  "train": ("train", "training", "trn"),
  "test": ("test", "testing", "tst"),
  "validation": ("validation", "valid", "validate", "val", "dev"),
}

Examples = Mapping[str, np.ndarray] | Source


class Dataset(NamedTuple):
  """A data set; a batch of it is a dict of arrays [B, *field.shape], one for each of `fields`."""

  name: str  # As given to `load`: "digits", "tfds:mnist".
  fields: Mapping[str, Field]
  splits: Mapping[str, Examples]  # "train", "test", and "validation" where the set has one.
  # (batch, key, train=True) -> batch, pure JAX; flips images in training only.
  augment: Callable | None = None
  log_prob: Callable | None = None  # Exact log density, nats [B], of x [B, 2], where it is known.
  sample: Callable | None = None  # (key, n) -> batch: new examples of a procedural set.
  binarization: str | None = None  # "static" | "dynamic" | "threshold"
  # What is known of the distribution: "entropy" in nats; "centres" [M, 2] and "sd" of modes.
  truth: Mapping[str, Any] = {}
  # (samples, given) -> {name: [N]}: how well samples agree with what is known of the set and with
  # what they were given, each in [0, 1] unless its docstring says otherwise; see metrics/judged.py.
  judge: Callable | None = None
  # Entries that the training split draws independently of the others: of domains without pairs.
  unpaired: tuple[str, ...] = ()
  # What was found in a user's files, and what was left out and why, in a line.
  found: str = ""


def kind_of(field: Field) -> str:
  """The kind of an entry; where the data don't say it, the one that has such a shape, or ""."""
  if field.kind:
    return field.kind
  match field.shape:
    case (_, _, 1 | 3 | 4):
      return "image"
    case (_, 3):
      return "points"
    case (_, _) if field.num_values:
      return "segmentation"
    case (_,):
      return "vector" if field.num_values is None else "tokens"
  return ""


def main_entry(fields: Mapping[str, Field]) -> str | None:
  """The name of the entry that generative models model; None of no entries.

  It is the first whose kind the data say. Runs made before data had kinds say none: there it is
  "image" or "x" or, of others, the first that is no label and no mask.
  """
  named = [name for name, field in fields.items() if field.kind]
  usual = [name for name in ("image", "x") if name in fields]
  others = sorted(fields, key=lambda name: name in ("label", "mask"))
  return next(iter([*named, *usual, *others]), None)


def count(examples: Examples) -> int:
  """The number of examples."""
  return len(next(iter(examples.values()))) if isinstance(examples, Mapping) else len(examples)


def take(examples: Examples, indices) -> dict[str, np.ndarray]:
  """The examples at `indices` [B], stacked: {name: [B, ...]}."""
  if isinstance(examples, Mapping):
    return {name: x[indices] for name, x in examples.items()}
  rows = examples.__getitems__([int(i) for i in indices])
  return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def split_of(name: str) -> str | None:
  """The split that files or folders of this name hold; None where the name is of no split."""
  found = [split for split, names in SPLITS.items() if name.lower() in names]
  return found[0] if found else None


def found_line(
  name: str,
  fields: Mapping[str, Field],
  splits: Mapping[str, Examples],
  *,
  drawn: bool = False,
  notes: Sequence[str] = (),
) -> str:
  """What was found in a user's files: examples, entries, classes, and notes.

  `drawn` says that the test split, the last, was set apart at random.
  """
  sizes = [f"{count(examples):,} to {split}" for split, examples in splits.items()]
  if drawn:
    sizes[-1] += ", set apart at random"
  parts = ["examples: " + ", ".join(sizes)]
  for key, field in fields.items():
    what = f"{np.dtype(field.dtype).name} {list(field.shape)}"
    if field.num_values and not field.shape:
      listed = ", ".join(field.names[:8]) + (", ..." if len(field.names) > 8 else "")
      what = f"{field.num_values} classes{f' ({listed})' if listed else ''}"
    elif field.names:
      what = f"{field.shape[0]} of a vocabulary of {field.num_values:,}"
    parts.append(f"{key}: {what}")
  return f"{name}: " + "; ".join([*parts, *notes])


def listed(fields: Mapping[str, Field]) -> str:
  """The entries of a batch in words: "image [8, 8, 1], label of 10 classes"."""
  is_class = lambda field: field.num_values and not field.shape
  return ", ".join(
    f"{name} of {field.num_values} classes" if is_class(field) else f"{name} {list(field.shape)}"
    for name, field in fields.items()
  )


def nbytes(fields: Mapping[str, Field], n: int) -> int:
  """The size of n examples as arrays, in bytes."""
  sizes = [math.prod(f.shape) * np.dtype(f.dtype).itemsize for f in fields.values()]
  return n * sum(sizes)


def hold_out(splits: Mapping[str, Examples], seed: int) -> dict[str, Examples]:
  """The splits with a "test": "validation" where there is no other, else a tenth of "train".

  The tenth is drawn by `seed`.
  """
  splits = dict(splits)
  if "test" in splits:
    return splits
  if "validation" in splits:
    splits["test"] = splits.pop("validation")
    return splits
  return set_apart(splits, "test", max(1, count(splits["train"]) // 10), seed)


def set_apart(splits: Mapping[str, Examples], split: str, n: int, seed: int) -> dict[str, Examples]:
  """The splits with n examples of "train", drawn by `seed`, moved to the split of this name."""
  examples = splits["train"]
  total = count(examples)
  order = np.random.default_rng(seed).permutation(total)
  train = choose(examples, np.sort(order[: total - n]))
  apart = choose(examples, np.sort(order[total - n :]))
  return {**splits, "train": train, split: apart}


def choose(examples: Examples, rows) -> Examples:
  """Some rows of a split, in the form that it has."""
  if isinstance(examples, Mapping):
    return take(examples, rows)
  return Source(rows, examples.__getitem__)
