"""Scikit-learn's handwritten digits: real data that need no download."""

import importlib.util
from pathlib import Path

import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset

TEST = 297


def load(name: str) -> Dataset:
  """1,797 digits of 8 x 8 pixels and 17 gray levels: 1,500 to train, 297 to test, the same split in
  every run.

  The test split takes evenly spaced members of the examples sorted by class, so that each class has
  its share. Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
  """
  # The file alone: to import scikit-learn takes a second or two, which every run would wait for.
  file = Path(importlib.util.find_spec("sklearn").origin).parent / "datasets/data/digits.csv.gz"
  rows = np.loadtxt(file, np.uint8, delimiter=",")
  image, label = rows[:, :-1].reshape(-1, 8, 8, 1), rows[:, -1].astype(np.int32)
  shuffled = np.random.default_rng(0).permutation(len(label))
  by_class = shuffled[np.argsort(label[shuffled], kind="stable")]
  test = np.zeros(len(label), bool)
  test[by_class[np.linspace(0, len(label) - 1, TEST).astype(int)]] = True
  splits = {
    split: {"image": image[rows], "label": label[rows]}
    for split, rows in (("train", ~test), ("test", test))
  }
  return Dataset(
    name, {"image": Field((8, 8, 1), np.uint8, 17), "label": Field((), np.int32, 10)}, splits
  )
