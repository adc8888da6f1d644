"""Chairs: held-out ones are new, and every factor shows where it should."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import chairs, load
from genjax_zoo.data.dataset import count, kind_of, main_entry

SIZE = 24


@pytest.fixture(scope="module")
def images():
  return chairs.azimuth_chairs(SIZE)


def drawn(images, factors):
  """Images [N, H, W]; another program than the data set's may round to the next gray level."""
  return np.asarray(jax.jit(images.render)(jnp.asarray(factors, jnp.int32)))[..., 0]


def test_test_chairs_are_in_no_training_image():
  dataset = load("azimuth_chairs", size=8, examples=400)
  assert {s: count(x) for s, x in dataset.splits.items()} == {"train": 400, "test": 40}
  factors = {s: x["factors"] for s, x in dataset.splits.items()}
  assert len(np.unique(factors["train"], axis=0)) == 400
  known = {tuple(row[:5]) for row in factors["train"]}
  assert not known & {tuple(row[:5]) for row in factors["test"]}
  image = drawn(dataset.truth["factors"], factors["test"])
  assert np.abs(image - dataset.splits["test"]["image"][..., 0].astype(int)).max() <= 1
  with pytest.raises(UserError, match="take 10 to 16,596"):
    load("azimuth_chairs", examples=17_000)


def test_a_turntable_has_all_azimuths_of_each_chair():
  dataset = load("azimuth_chairs", size=8, turntable=True)
  assert {s: count(x) for s, x in dataset.splits.items()} == {"train": 461, "test": 51}
  assert main_entry(dataset.fields) == "views" and kind_of(dataset.fields["views"]) == "video"
  assert dataset.fields["views"].shape == (12, 8, 8, 1)
  every = np.concatenate([x["factors"] for x in dataset.splits.values()])
  assert len(np.unique(every, axis=0)) == 512
  row = dataset.splits["test"]["factors"][7]
  factors = [[*row, azimuth, 1] for azimuth in range(12)]
  expected = drawn(dataset.truth["factors"], factors)
  assert np.abs(expected - dataset.splits["test"]["views"][7, ..., 0].astype(int)).max() <= 1


@pytest.mark.parametrize("kind", range(4))
def test_chairs_stand_on_the_floor_and_all_boxes_have_a_size(kind):
  centres, halves = chairs.boxes(kind, 0.5, 0.7, 0.8, 0.04)
  low, high = np.asarray(centres - halves), np.asarray(centres + halves)
  assert low[:, 2].min() == pytest.approx(0, abs=1e-6) and (halves > 0).all()
  assert high[:, 2].max() == pytest.approx(0.7 + 0.8)
  assert np.abs(np.concatenate([low, high])[:, 1]).max() == pytest.approx(0.5)
  # Symmetric from left to right.
  mirrored = np.stack([centres[:, 0], -centres[:, 1], centres[:, 2]], 1)
  gaps = np.abs(mirrored[:, None] - np.asarray(centres)[None]).max(-1)
  assert (gaps.min(1) < 1e-6).all()


def test_outlines_from_mirrored_azimuths_are_mirror_images(images):
  factors = np.random.default_rng(0).integers(0, [4, 4, 4, 4, 2, 12, 3], (20, 7))
  mirrored = factors.copy()
  mirrored[:, 5] = -factors[:, 5] % 12
  first, second = (drawn(images, f) < 255 for f in (factors, mirrored))
  assert (first != second[:, :, ::-1]).mean() < 0.01  # Edges through the middle of a pixel.
  assert 0.05 < first.mean() < 0.6
  assert not (first[:, 0].any() or first[:, -1].any() or first[:, :, 0].any())


def test_a_higher_back_or_seat_reaches_higher_and_a_wider_seat_wider(images):
  base = np.array([0, 0, 0, 0, 0, 0, 0])
  top = lambda x: (x < 255).any(1).argmax()
  width = lambda x: (x < 255).any(0).sum()
  for factor, measure in ((2, top), (3, top), (1, width)):
    rows = np.tile(base, (4, 1))
    rows[:, factor] = range(4)
    measured = np.array([measure(x) for x in drawn(images, rows)])
    assert (np.diff(measured) < 0).all() if measure is top else (np.diff(measured) > 0).all()
