"""Scenes of two shapes: where they stand, both captions of each, layouts, what a judge reads."""

import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.data import two_shapes
from genjax_zoo.data.factors import render
from genjax_zoo.data.tokenizer import captions, tokenize


@pytest.fixture(scope="module")
def dataset():
  return two_shapes.load("two_shapes", examples=300)


@pytest.fixture(scope="module")
def test(dataset):
  return dataset.splits["test"]


def same_scene(a, b):
  """Whether rows of factors are of the same scenes, in whichever order."""
  return (a == b).all(1) | (two_shapes.other_way(a) == b).all(1)


def words(dataset, *texts):
  return tokenize(dataset.fields["tokens"].names, texts, 8)


def said(dataset, factors, *texts):
  """What the judge says of captions of a scene, as the set of what is true."""
  image = np.repeat(render(dataset.truth["factors"], np.array([factors])), len(texts), 0)
  judged = dataset.judge({"image": image}, {"tokens": words(dataset, *texts)})
  judged.pop("rmse")
  return [{name for name, x in judged.items() if x[i]} for i in range(len(texts))]


def test_captions_by_hand(dataset):
  factors = np.array([
    [0, 1, 0, 0, 0, 0, 3, 2, 0, 0, 0],
    [1, 0, 3, 0, 0, 0, 2, 4, 0, 0, 0],
    [2, 1, 0, 0, 0, 0, 3, 2, 0, 0, 0],
    [3, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0],
  ])  # fmt: skip
  assert captions(two_shapes.VOCABULARY, two_shapes.tokens(jnp.asarray(factors))) == [
    "a red square left of a blue heart",
    "a yellow circle above a purple triangle",
    "a red square right of a blue heart",
    "a red square below a red square",
  ]
  assert dataset.fields["tokens"].names == two_shapes.VOCABULARY


def test_scenes_are_all_different_and_drawn_with_both_captions(dataset):
  train, held_out = dataset.splits["train"], dataset.splits["test"]
  images = {split: {x.tobytes() for x in rows["image"]} for split, rows in dataset.splits.items()}
  assert len(images["train"]) == 300 and not images["train"] & images["test"]
  assert set(train["factors"][:, 0]) == set(held_out["factors"][:, 0]) == {0, 1, 2, 3}
  images = dataset.truth["factors"]
  other = two_shapes.other_way(held_out["factors"])
  np.testing.assert_array_equal(render(images, other), held_out["image"])
  assert not (other == held_out["factors"]).all(1).any()


def test_shapes_stand_in_halves_of_their_own_as_the_caption_says(dataset):
  train = dataset.splits["train"]
  covers = np.stack([two_shapes.object_covers(f, 32) for f in train["factors"][:60]])
  assert not (covers[:, 0] * covers[:, 1]).any()
  grid = np.arange(32)
  total = covers.sum((2, 3))
  x, y = (covers.sum(2) @ grid) / total, (covers.sum(3) @ grid) / total
  relation = train["factors"][:60, 0]
  sideways = relation % 2 == 0
  across, down = np.diff(x)[:, 0], np.diff(y)[:, 0]
  expected = np.where(relation < 2, 1, -1)
  np.testing.assert_array_equal(np.sign(np.where(sideways, across, down)), expected)
  main, side = np.where(sideways, (across, down), (down, across))
  assert (np.abs(main) > np.abs(side)).all()
  for half in (covers[sideways][..., :16], covers[~sideways][:, :, :16]):
    np.testing.assert_array_equal(half.any((2, 3)).sum(1), 1)


def test_every_scene_is_nearest_to_itself_and_no_single_change_is_nearer(dataset, test):
  images = dataset.truth["factors"]
  assert same_scene(images.nearest(test["image"]), test["factors"]).all()
  noisy = test["image"] + np.random.default_rng(0).normal(0, 80, test["image"].shape)
  x = noisy.clip(0, 255).astype(np.uint8)
  found = images.nearest(x)
  error = lambda factors: np.sqrt(
    ((x - render(images, factors).astype(float)) ** 2).mean((1, 2, 3))
  )
  for column, size in enumerate(images.sizes):
    other = found.copy()
    other[:, column] = (other[:, column] + 1) % size
    # Rounding moves a rendering by at most half a gray level, so the two distances by one.
    assert (error(found) <= error(other) + 1).all(), column


def test_a_judge_finds_real_images_right(dataset, test):
  given = {name: test[name] for name in ("tokens", "segmentation", "boxes")}
  judged = dataset.judge({"image": test["image"]}, given)
  assert (judged.pop("rmse") == 0).all()
  assert set(judged) == {"shape", "colour", "binding", "relation", "all", "segmentation", "boxes"}
  assert all((x == 1).all() for x in judged.values())
  shuffled = {name: np.roll(x, 1, 0) for name, x in given.items()}
  judged = dataset.judge({"image": test["image"]}, shuffled)
  assert judged["all"].mean() < 0.1 and judged["relation"].mean() < 0.5
  assert judged["segmentation"].mean() < 0.5 and judged["boxes"].mean() < 0.7


def test_each_mistake_of_a_caption_is_named(dataset):
  """By hand, of a red square left of a blue heart."""
  everything = {"shape", "colour", "binding", "relation", "all"}
  factors = [0, 1, 0, 1, 1, 1, 3, 2, 1, 2, 2]
  cases = {
    "a red square left of a blue heart": everything,
    "a blue heart right of a red square": everything,
    "a red square right of a blue heart": everything - {"relation", "all"},
    "a red square above a blue heart": everything - {"relation", "all"},
    "a blue square left of a red heart": everything - {"binding", "all"},
    "a green square left of a blue heart": everything - {"colour", "binding", "all"},
    "a red circle left of a blue heart": everything - {"shape", "binding", "all"},
    "a red square left of a red square": {"relation"},
    # What a caption leaves out may be anything.
    "a square left of a blue heart": everything,
    "a red left of a blue heart": everything,
    "a heart right of a square": everything,
    "a red square a blue heart": everything,
    "a square left of a red heart": everything - {"binding", "all"},
    "": everything,
  }
  for (text, expected), found in zip(cases.items(), said(dataset, factors, *cases)):
    assert found == expected, text


def test_layouts_are_of_the_shapes_in_the_order_of_the_caption(test):
  boxes, classes, maps = (test[name] for name in ("boxes", "classes", "segmentation"))
  np.testing.assert_array_equal(classes, 1 + test["factors"][:, [1, 6]])
  for box, two, pixels in zip(boxes, classes, maps):
    assert set(np.unique(pixels)) == {0, *two}
    inside = np.zeros((32, 32), bool)
    for (left, top, right, bottom), kind in zip(np.round(32 * box).astype(int), two):
      crop = pixels[top:bottom, left:right] == kind
      inside[top:bottom, left:right] = True
      edges = crop[0], crop[-1], crop[:, 0], crop[:, -1]
      assert all(edge.any() for edge in edges)
    assert not pixels[~inside].any()
  lit = test["image"].max(-1) > 128
  assert (lit <= (maps > 0)).all()


def test_overlaps_by_hand():
  a, b = np.zeros((2, 1, 2, 2), int)
  a[0, 0], b[0, 0, 0] = 1, 1  # Two pixels and one of class 1,
  assert two_shapes.class_overlap(a, b) == [0.5]
  b[0, 1, 1] = 3  # and one of class 3 in one of them alone.
  assert two_shapes.class_overlap(a, b) == [0.25]
  boxes = np.array([[[0, 0, 2, 1], [0, 0, 1, 1]]], float)
  moved = boxes + np.array([[[1, 0, 1, 0], [2, 2, 2, 2]]])
  np.testing.assert_allclose(two_shapes.box_overlap(boxes, boxes), [1])
  np.testing.assert_allclose(two_shapes.box_overlap(boxes, moved), [(1 / 3 + 0) / 2])
