"""Entries of a batch: their kinds, the main one, and the names of their values."""

import numpy as np
import pytest

from genjax_zoo.core import Field
from genjax_zoo.data import load
from genjax_zoo.data.dataset import hold_out, kind_of, main_entry


@pytest.mark.parametrize(
  "shape, num_values, kind",
  [
    ((8, 8, 1), 17, "image"),
    ((8, 8, 4), None, "image"),
    ((8, 8, 2), None, ""),
    ((100, 3), None, "points"),
    ((2,), None, "vector"),
    ((10,), 24, "tokens"),
    ((8, 8), 5, "segmentation"),
    ((8, 8), None, ""),
    ((), 10, ""),
    ((4, 8, 8, 3), 256, ""),
  ],
)
def test_the_kind_follows_the_shape_where_the_data_do_not_say_it(shape, num_values, kind):
  field = Field(shape, np.float32, num_values)
  assert kind_of(field) == kind and kind_of(field._replace(kind="mesh")) == "mesh"


def test_the_main_entry_is_the_one_with_a_kind():
  label, sound, image = (
    Field((), np.int32, 10),
    Field((32,), np.float32),
    Field((8, 8, 1), np.uint8),
  )
  assert main_entry({"label": label, "sound": sound._replace(kind="vector"), "image": image}) == (
    "sound"
  )
  # Runs from before there were kinds.
  assert main_entry({"sound": sound, "image": image}) == "image"
  assert main_entry({"label": label, "mask": label, "tokens": sound}) == "tokens"
  assert main_entry({"label": label}) == "label" and main_entry({}) is None


@pytest.mark.parametrize(
  "name, entry, kind",
  [
    ("digits", "image", "image"),
    ("spoken_digits", "image", "image"),
    ("moons", "x", "vector"),
    ("stacked:digits", "image", "image"),
    ("reviews", "tokens", "tokens"),
  ],
)
def test_data_sets_say_the_kind_of_their_main_entry(name, entry, kind):
  fields = load(name).fields
  assert main_entry(fields) == entry and fields[entry].kind == kind
  assert all(fields[k].ordered == (k not in ("label", "tokens")) for k in fields)


def test_values_have_names():
  digits, reviews = load("digits").fields, load("reviews", examples=100).fields
  assert digits["label"].names == tuple("0123456789")
  assert reviews["label"].names == ("bad", "good")
  for fields in (reviews, load("coloured_shapes", examples=20, size=8).fields):
    assert len(fields["tokens"].names) == fields["tokens"].num_values
    assert "the" in fields["tokens"].names


def test_a_tenth_is_held_out():
  x = np.arange(57)
  splits = hold_out({"train": {"x": x}}, seed=0)
  train, test = splits["train"]["x"], splits["test"]["x"]
  np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), x)
  assert len(test) == 5 and (np.diff(train) > 0).all()
  assert (test != hold_out({"train": {"x": x}}, seed=1)["test"]["x"]).any()
  # Where there is a validation split, that is the test set.
  both = {"train": {"x": x}, "validation": {"x": x[:3]}}
  assert hold_out(both, seed=0) == {"train": {"x": x}, "test": both["validation"]}
