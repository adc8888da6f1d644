"""What a data set is, and the two forms in which its examples come: arrays in memory, or a source
on disk.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Any, NamedTuple

import numpy as np

from genjax_zoo.core import Field


@dataclass(frozen=True)
class Source:
  """Examples read one at a time: `source[i] = read(items[i])`, a dict of numpy arrays."""

  items: Sequence
  read: Callable

  def __len__(self) -> int:
    return len(self.items)

  def __getitem__(self, i) -> dict[str, np.ndarray]:
    return self.read(self.items[i])

  def __getitems__(self, indices) -> list[dict[str, np.ndarray]]:
    """Many at once, as grain and tensorflow-datasets spell it: several times faster where the items
    can.
    """
    many = getattr(self.items, "__getitems__", None)
    return [
      self.read(item) for item in (many(indices) if many else map(self.items.__getitem__, indices))
    ]


# The names of splits in files and folders.
SPLITS = {
  "train": "train",
  "test": "test",
  "validation": "validation",
  "valid": "validation",
  "val": "validation",
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
  sample: Callable | None = None  # (key, n) -> batch: fresh draws of a procedural set.
  binarization: str | None = None  # "static" | "dynamic" | "threshold"
  truth: Mapping[
    str, Any
  ] = {}  # What is known about the law: "entropy" in nats, "centres" [M, 2] and "sd" of modes.


def count(examples: Examples) -> int:
  """The number of examples."""
  return len(next(iter(examples.values()))) if isinstance(examples, Mapping) else len(examples)


def take(examples: Examples, indices) -> dict[str, np.ndarray]:
  """The examples at `indices` [B], stacked: {name: [B, ...]}."""
  if isinstance(examples, Mapping):
    return {name: x[indices] for name, x in examples.items()}
  rows = examples.__getitems__([int(i) for i in indices])
  return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def nbytes(fields: Mapping[str, Field], n: int) -> int:
  """The size of n examples as arrays."""
  return n * sum(
    math.prod(field.shape) * np.dtype(field.dtype).itemsize for field in fields.values()
  )


def hold_out(splits: Mapping[str, Examples], seed: int) -> dict[str, Examples]:
  """The splits with a "test": where there is none, "validation" is it, else a tenth of "train"
  drawn by `seed`.
  """
  splits = dict(splits)
  if "test" not in splits and "validation" in splits:
    splits["test"] = splits.pop("validation")
  return (
    splits
    if "test" in splits
    else set_apart(splits, "test", max(1, count(splits["train"]) // 10), seed)
  )


def set_apart(splits: Mapping[str, Examples], split: str, n: int, seed: int) -> dict[str, Examples]:
  """The splits with n examples of "train", drawn by `seed`, as the split of this name instead."""
  whole = splits["train"]
  parts = np.split(np.random.default_rng(seed).permutation(count(whole)), [count(whole) - n])
  choose = lambda part: (
    take(whole, part) if isinstance(whole, Mapping) else Source(part, whole.__getitem__)
  )
  train, apart = (choose(np.sort(part)) for part in parts)
  return {**splits, "train": train, split: apart}
