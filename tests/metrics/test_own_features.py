"""Features of a user's own images: a classifier of their classes, or their pixels."""

import numpy as np
import pytest

from genjax_zoo import data
from genjax_zoo.core import Field
from genjax_zoo.metrics.features import own

RNG = np.random.default_rng(0)
FIELDS = {"image": Field((8, 8, 3), np.uint8, 256), "label": Field((), np.int32, 2)}


def shades(n: int) -> dict:
  """Dark images of the class 0 and bright ones of 1."""
  label = np.arange(n) % 2
  image = RNG.integers(0, 100, (n, 8, 8, 3)) + 150 * label[:, None, None, None]
  return {"image": image.astype(np.uint8), "label": label.astype(np.int32)}


@pytest.fixture
def quick(monkeypatch, tmp_path):
  """A short training, and a cache that is empty."""
  monkeypatch.setattr(own, "STEPS", 25)
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_classifier_of_the_classes_is_trained_once_and_its_features_have_unit_size(
  quick, monkeypatch
):
  train = shades(64)
  found = own.class_features(FIELDS, train)
  features, probabilities = found.extract(train)
  assert features.shape == (64, own.FEATURES)
  np.testing.assert_allclose(np.mean(features**2), 1.0, rtol=1e-3)
  others = shades(40)
  assert (found.extract(others)[1].argmax(-1) == others["label"]).all()
  monkeypatch.delattr(own, "trained")
  again = own.class_features(FIELDS, train)
  assert again.name == found.name and found.name.startswith("own_classes@sha256:")
  np.testing.assert_array_equal(again.extract(train)[1], probabilities)


def test_pixels_keep_their_distances_where_there_are_no_more_than_features():
  """Principal components are an isometry; the variance of the first is 1."""
  images = RNG.integers(0, 256, (50, 2, 2, 1)).astype(np.uint8)
  features, classes = own.pixel_features("image", images).extract({"image": images})
  assert classes is None and features.shape == (50, 4)
  flat = images.reshape(50, 4).astype(float)
  ratio = np.linalg.norm(flat[1:] - flat[:1], axis=1) / np.linalg.norm(
    features[1:] - features[:1], axis=1
  )
  np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)
  np.testing.assert_allclose(features[:, 0].var(ddof=1), 1.0, rtol=1e-4)
  assert (features.var(0)[1:] <= features.var(0)[:-1]).all()


def test_the_features_of_a_set_are_committed_ones_or_those_of_its_classes_or_pixels(
  quick, tmp_path
):
  digits = data.load("digits")
  assert own.chosen("auto", digits, digits.fields).name.startswith("digits@")
  np.savez(tmp_path / "mine.npz", **shades(40))
  mine = data.load(f"npz:{tmp_path / 'mine.npz'}")
  assert own.chosen("auto", mine, mine.fields).name.startswith("own_classes@")
  images = {"image": mine.fields["image"]}
  assert own.chosen("auto", mine._replace(fields=images), images).name == "own_pixels"
  sprites = data.load("dsprites")
  assert own.chosen("auto", sprites, sprites.fields) is None
