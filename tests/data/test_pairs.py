"""Pairs of pictures of one shape: what they share, and what a judge finds in wrong ones."""

import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import pairs
from genjax_zoo.data.dataset import main_entry
from genjax_zoo.data.drawing import BACKGROUNDS, COLOURS
from genjax_zoo.data.factors import render
from genjax_zoo.data.shapes import WORDS

NAMES = tuple(WORDS)


@pytest.fixture(scope="module", params=["outlines", "gray_shapes"])
def dataset(request):
  return getattr(pairs, request.param)(request.param, size=16, examples=200)


@pytest.fixture(scope="module")
def domains():
  return pairs.two_renderings("two_renderings", size=16, examples=100)


def rows(x):
  return {row.tobytes() for row in x}


def shared(dataset):
  """The factors that the image says."""
  return [name for name in NAMES if name != "colour" or dataset.name == "gray_shapes"]


def test_pairs_are_all_different_and_the_target_is_what_models_model(dataset):
  train, test = dataset.splits["train"], dataset.splits["test"]
  assert main_entry(dataset.fields) == "target" and "tokens" not in dataset.fields
  for entry, field in dataset.fields.items():
    assert train[entry].shape == (200, *field.shape) and test[entry].shape == (20, *field.shape)
    assert train[entry].dtype == field.dtype
  assert len(rows(train["factors"])) == 200
  assert not rows(train["factors"]) & rows(test["factors"])


def test_an_outline_has_the_ground_of_its_target_and_lines_of_another_gray():
  dataset = pairs.outlines("outlines", size=32, examples=50)
  train = dataset.splits["train"]
  image, target = train["image"].astype(int), train["target"].astype(int)
  ground = np.array([*BACKGROUNDS.values()])[train["factors"][:, -1]]
  np.testing.assert_array_equal(image[:, 0, 0], ground)
  np.testing.assert_array_equal(image.min(-1), image.max(-1))  # No colour.
  drawn = (image != ground[:, None, None]).any(-1)
  filled = (target != ground[:, None, None]).any(-1)
  assert drawn.any((1, 2)).all() and not (drawn & ~filled).any()
  large = train["factors"][:, 2] >= 2
  assert (filled & ~drawn)[large].any((1, 2)).all()  # Not filled.


def test_gray_levels_tell_the_colours_apart_and_are_their_luma():
  dataset = pairs.gray_shapes("gray_shapes", size=16, examples=50)
  train = dataset.splits["train"]
  luma = train["target"] @ np.array([0.299, 0.587, 0.114])
  np.testing.assert_allclose(train["image"][..., 0], luma, atol=0.51)
  levels = np.sort(np.array([*COLOURS.values(), *BACKGROUNDS.values()]) @ pairs.LUMA)
  assert np.diff(levels).min() > 5


def test_a_judge_finds_real_pairs_right(dataset):
  test = dataset.splits["test"]
  judged = dataset.judge({"target": test["target"]}, {"image": test["image"]})
  assert (judged.pop("rmse") == 0).all() and (judged.pop("saturation") > 0.4).all()
  assert set(judged) == {"kept", "palette", *(f"kept_{name}" for name in shared(dataset))}
  assert all((x == 1).all() for x in judged.values())


@pytest.mark.parametrize("column, name", enumerate(NAMES))
def test_a_target_that_differs_in_one_factor_is_wrong_in_that_alone(dataset, column, name):
  test = dataset.splits["test"]
  other = test["factors"].copy()
  other[:, column] = (other[:, column] + 1) % len(WORDS[name])
  target = render(dataset.truth["factors"], other)
  judged = dataset.judge({"target": target}, {"image": test["image"]})
  for known in shared(dataset):
    assert (judged[f"kept_{known}"] == (known != name)).all()
  assert (judged["kept"] == (name not in shared(dataset))).all()


def test_gray_fills_have_no_saturation_and_no_colour_of_the_palette(dataset):
  test = dataset.splits["test"]
  gray = np.full_like(test["target"], 128)
  judged = dataset.judge({"target": gray}, {"image": test["image"]})
  assert (judged["saturation"] == 0).all() and (judged["palette"] == 0).all()


def test_the_mean_colour_is_that_of_the_pixels_covered_most():
  x = np.zeros((1, 2, 2, 3), np.uint8)
  x[0, 0] = [[10, 20, 30], [30, 40, 50]]
  share = np.array([[[1.0, 1.0], [0.5, 0.0]]])
  np.testing.assert_array_equal(pairs.mean_colour(x, share), [[20, 30, 40]])


def test_training_domains_share_no_shape_and_test_rows_share_all(domains):
  found = {
    split: {k: images.nearest(x[k]) for k, images in domains.truth["factors"].items()}
    for split, x in domains.splits.items()
  }
  train, test = found["train"], found["test"]
  assert len(rows(train["image_a"])) == len(rows(train["image_b"])) == 100
  assert not rows(train["image_a"]) & rows(train["image_b"])
  np.testing.assert_array_equal(test["image_a"], test["image_b"])
  assert not rows(test["image_a"]) & (rows(train["image_a"]) | rows(train["image_b"]))
  assert not (domains.splits["test"]["image_a"] == domains.splits["test"]["image_b"]).all()


@pytest.mark.parametrize("target, source", [("b", "a"), ("a", "b")])
def test_translations_keep_what_test_rows_share(domains, target, source):
  test = domains.splits["test"]
  samples = {f"image_{target}": test[f"image_{target}"]}
  judged = domains.judge(samples, {f"image_{source}": test[f"image_{source}"]})
  assert (judged.pop(f"rmse_{target}") == 0).all()
  assert set(judged) == {f"{x}_{target}" for x in ("kept", *(f"kept_{n}" for n in NAMES))}
  assert all((x == 1).all() for x in judged.values())
  other = {f"image_{source}": np.roll(test[f"image_{source}"], 1, 0)}
  assert domains.judge(samples, other)[f"kept_{target}"].mean() < 0.1
  # A source handed on as it is looks like no image of the other domain.
  unchanged = {f"image_{target}": test[f"image_{source}"]}
  assert (domains.judge(unchanged, {})[f"rmse_{target}"] > 0.01).all()


def test_more_examples_than_there_are_shapes_are_refused():
  with pytest.raises(UserError, match="take 10 to 8,378 of two_renderings"):
    pairs.two_renderings("two_renderings", examples=9_000)
