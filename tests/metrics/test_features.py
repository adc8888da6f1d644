"""The committed feature networks: undamaged, as accurate as recorded, refused when changed."""

import json
import shutil

import numpy as np
import pytest

from genjax_zoo import data
from genjax_zoo.core import Field, UserError
from genjax_zoo.metrics import features
from genjax_zoo.metrics.frechet import fid
from genjax_zoo.metrics.quality import comparable

NETS = sorted(features.HERE.glob("*.npz"))


def test_the_nets_of_the_decks_data_are_there():
  assert {file.stem.rpartition("-")[0] for file in NETS} == {
    "digits",
    "mnist",
    "fashion_mnist",
    "cifar10",
    "coloured_shapes",
    "moving_shapes",
    "sprites",
    "usps",
  }
  assert all(file.stat().st_size < 2 * 2**20 for file in NETS)
  accuracy = {
    file.stem.rpartition("-")[0]: json.loads(str(np.load(file)["about"]))["accuracy"]
    for file in NETS
  }
  assert accuracy["mnist"] >= 0.99


def recorded_accuracy(name):
  """The accuracy in the committed file of a network."""
  file = next(f for f in NETS if f.stem.startswith(f"{name}-"))
  return json.loads(str(np.load(file)["about"]))["accuracy"]


def test_the_digits_net_classifies_the_test_digits():
  digits = data.load("digits")
  net = features.choose("auto", "digits", digits.fields)
  found, classes = net.extract(digits.splits["test"])
  right = np.mean(classes.argmax(-1) == digits.splits["test"]["label"])
  assert right == pytest.approx(recorded_accuracy("digits"), abs=0.005)
  assert found.shape == (297, 32) and net.name.startswith("digits@sha256:")


@pytest.mark.parametrize("name", ["tfds:mnist", "tfds:fashion_mnist"])
def test_the_accuracy_of_a_net_is_what_it_says(name):
  try:
    dataset = data.load(name)
  except UserError as e:
    pytest.skip(str(e))
  net = features.choose("auto", name, dataset.fields)
  recorded = recorded_accuracy(name.removeprefix("tfds:"))
  rows = slice(0, 2000)
  _, classes = net.extract({"image": dataset.splits["test"]["image"][rows]})
  right = np.mean(classes.argmax(-1) == dataset.splits["test"]["label"][rows])
  assert abs(right - recorded) < 4 * np.sqrt(recorded * (1 - recorded) / 2000) + 0.002


def test_a_damaged_net_is_refused(tmp_path):
  file = shutil.copy(NETS[0], tmp_path)
  with open(file, "r+b") as f:
    f.seek(200)
    f.write(b"?")
  with pytest.raises(UserError, match="is damaged"):
    features.read(tmp_path / NETS[0].name, Field((32, 32, 3), np.uint8, 256))


def test_points_are_their_own_features_and_unknown_images_have_none():
  points = features.choose("auto", "moons", {"x": Field((2,), np.float32)})
  x = np.ones((3, 2), np.float32)
  np.testing.assert_array_equal(points.extract({"x": x})[0], x)
  assert (
    features.choose("auto", "folder:photos", {"image": Field((9, 9, 3), np.uint8, 256)}) is None
  )
  with pytest.raises(UserError, match=r"auto and inception:PATH"):
    features.choose("vgg", "digits", {})
  with pytest.raises(UserError, match=r"nowhere\.pth"):
    features.choose("inception:nowhere.pth", "digits", {"image": Field((8, 8, 1), np.uint8, 17)})


def test_numbers_of_other_conditions_are_not_compared():
  one = {
    "config": "a",
    "quality": {
      "features": "f",
      "samples": 10,
      "reference": "digits test",
      "reference_examples": 9,
    },
  }
  comparable([one, {"config": "c", "quality": None}, one])
  for condition, other in {
    "features": "g",
    "samples": 11,
    "reference": "digits train",
    "reference_examples": 8,
  }.items():
    with pytest.raises(UserError, match=f"a and b can't be compared: {condition} is"):
      comparable([one, {"config": "b", "quality": one["quality"] | {condition: other}}])


def test_the_reader_reads_the_captions_of_coloured_shapes():
  shapes = data.load("coloured_shapes", examples=2000)
  net = features.choose("auto", "coloured_shapes", shapes.fields)
  test = shapes.splits["test"]
  found, words = net.extract(test)
  assert found.shape == (200, 64)
  assert np.mean((words.argmax(-1) == test["tokens"]).all(-1)) >= 0.99


def test_a_net_reads_the_entry_that_a_model_makes():
  shapes = data.load("coloured_shapes", examples=20)
  image = shapes.splits["test"]["image"]
  net = features.choose("auto", "coloured_shapes", {"target": shapes.fields["image"]})
  assert net.entry == "target"
  same = features.choose("auto", "coloured_shapes", {"image": shapes.fields["image"]})
  black = {"target": image, "image": 0 * image}
  np.testing.assert_array_equal(net.extract(black)[0], same.extract({"image": image})[0])


def test_the_net_of_moving_shapes_reads_captions_and_sees_the_order_of_frames():
  videos = data.load("moving_shapes", examples=2000)
  net = features.choose("auto", "moving_shapes", videos.fields)
  test = videos.splits["test"]
  real, words = net.extract(test)
  assert np.mean((words.argmax(-1) == test["tokens"]).all(-1)) >= 0.97
  train, _ = net.extract({"video": videos.splits["train"]["video"][:200]})
  mirrored, read = net.extract({"video": test["video"][:, ::-1]})
  assert fid(real, mirrored) < 3 * fid(real, train)  # Each direction is another's mirror image.
  assert np.mean((read.argmax(-1) == test["tokens"]).all(-1)) < 0.1
  order = np.random.default_rng(0).permuted(np.tile(np.arange(8), (200, 1)), axis=1)
  shuffled, _ = net.extract(
    {"video": np.take_along_axis(test["video"], order[..., None, None, None], 1)}
  )
  assert fid(real, shuffled) > 3 * fid(real, train)
