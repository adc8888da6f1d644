"""Scikit-learn's handwritten digits: real data that need no download."""

import importlib.util
from pathlib import Path

import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset

TEST = 297
NAMES = tuple(map(str, range(10)))


def load(name: str) -> Dataset:
  """1,797 digits of 8 x 8 pixels and 17 gray levels: 1,500 to train and 297 to test.

  The split is the same in every run. The test split takes evenly spaced members of the examples
  sorted by class, so that each class has its share. Source: E. Alpaydin, C. Kaynak, Optical
  Recognition of Handwritten Digits, UCI, 1998.
  """
  # The file alone: importing scikit-learn takes a second or two, which every run would wait for.
  file = Path(importlib.util.find_spec("sklearn").origin).parent / "datasets/data/digits.csv.gz"
  rows = np.loadtxt(file, np.uint8, delimiter=",")
  image = rows[:, :-1].reshape(-1, 8, 8, 1)
  label = rows[:, -1].astype(np.int32)
  shuffled = np.random.default_rng(0).permutation(len(label))
  by_class = shuffled[np.argsort(label[shuffled], kind="stable")]
  test = np.zeros(len(label), bool)
  test[by_class[np.linspace(0, len(label) - 1, TEST).astype(int)]] = True
  fields = {
    "image": Field((8, 8, 1), np.uint8, 17, kind="image"),
    "label": Field((), np.int32, 10, names=NAMES, ordered=False),
  }
  splits = {
    "train": {"image": image[~test], "label": label[~test]},
    "test": {"image": image[test], "label": label[test]},
  }
  return Dataset(name, fields, splits)
