"""Stacked digits: channels are examples of their classes, and copies have the modes of the data."""

import numpy as np
import pytest

from genjax_zoo import data
from genjax_zoo.core import UserError
from genjax_zoo.metrics.features import choose
from genjax_zoo.metrics.quality import quality

STACKED = data.load("stacked:digits", examples=2000)


def test_each_channel_is_an_example_of_the_labels_digit():
  digits, split = data.load("digits").splits["train"], STACKED.splits["train"]
  assert split["image"].shape == (2000, 8, 8, 3) and STACKED.fields["label"].num_values == 1000
  known = {image.tobytes(): int(label) for image, label in zip(digits["image"], digits["label"])}
  for image, label in zip(split["image"][:200], split["label"]):
    found = [known[np.ascontiguousarray(image[..., i : i + 1]).tobytes()] for i in range(3)]
    assert found == [label // 100, label // 10 % 10, label % 10]
  assert len(STACKED.splits["test"]["label"]) == 400 and len(set(split["label"].tolist())) > 800


def test_modes_agreement_and_collapse_are_measured():
  see = choose("auto", "stacked:digits", STACKED.fields)
  copies = {k: x[:500] for k, x in STACKED.splits["test"].items()}
  found = quality(copies, STACKED, see)
  assert found["agreement"] > 0.9 and found["fid"] < 0.01
  assert abs(found["modes"] - len(set(copies["label"].tolist()))) < 30
  one = {"image": np.repeat(STACKED.splits["test"]["image"][:1], 400, 0)}
  collapsed = quality(one, STACKED, see)
  assert collapsed["modes"] == 1 and collapsed["reverse_kl"] == pytest.approx(np.log(1000))


def test_what_cannot_be_stacked_is_refused():
  with pytest.raises(UserError, match="gray images with a label"):
    data.load("stacked:moons")
