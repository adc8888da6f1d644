"""Coloured shapes against geometry; their captions and splits; the judge by the nearest of all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import load, shapes as family
from genjax_zoo.data.drawing import BACKGROUNDS, COLOURS, least_boxes
from genjax_zoo.data.factors import distance, render
from genjax_zoo.data.tokenizer import captions


@pytest.fixture(scope="module")
def shapes():
  images = family.coloured_shapes()
  return images, jax.jit(images.render)


@pytest.fixture(scope="module")
def small():
  return load("coloured_shapes", size=16, examples=300)


@pytest.fixture(scope="module")
def layouts():
  return load("coloured_shapes", size=16, examples=300, layout=True)


@pytest.fixture(scope="module")
def unseen():
  return load("coloured_shapes", size=8, examples=2_000, unseen=True, label="colour")


def test_coloured_shapes_have_their_colours_and_lie_in_their_quadrant(shapes):
  images, render = shapes
  f = images.at(jnp.asarray(np.random.default_rng(2).integers(images.total, size=200)))
  x, f = np.asarray(render(f)).astype(int), np.asarray(f)
  assert x.shape == (200, 32, 32, 3) and images.num_values == 256
  colours, grounds = (
    np.array([*COLOURS.values()]),
    np.array([*BACKGROUNDS.values()]),
  )
  np.testing.assert_array_equal(x[:, 0, 0], grounds[f[:, 5]])
  cover = np.abs(x - grounds[f[:, 5]][:, None, None]).sum(-1)
  assert (
    cover.reshape(200, -1).max(1) == np.abs(colours[f[:, 1]] - grounds[f[:, 5]]).sum(-1)
  ).all()
  grid = (np.arange(32) + 0.5) / 32
  row, column = ((cover.sum(axis) * grid).sum(-1) / cover.sum((1, 2)) for axis in (2, 1))
  np.testing.assert_array_equal(column > 0.5, f[:, 3] >= 4)
  np.testing.assert_array_equal(row > 0.5, f[:, 4] >= 4)


def test_coloured_shapes_are_all_different_and_inside_the_frame(shapes):
  images, render = shapes
  f = images.at(jnp.arange(images.total))
  f = f[(f[:, 1] == 0) & (f[:, 5] == 0)]  # All shapes, sizes and places, in red on black.
  x = np.asarray(render(f))
  assert len(np.unique(x.reshape(len(x), -1), axis=0)) == len(x) == 4 * 4 * 64
  assert not (x[:, 0].any() or x[:, -1].any() or x[:, :, 0].any() or x[:, :, -1].any())


def test_captions_name_the_factors(shapes):
  images, _ = shapes
  tokens = images.tokens(images.at(jnp.array([0, images.total - 1])))
  assert captions(images.vocabulary, tokens) == [
    "a small red circle at the top left on black",
    "a large cyan heart at the bottom right on white",
  ]
  every = np.asarray(images.tokens(images.at(jnp.arange(images.total))))
  assert every.min() == 1 and every.max() == len(images.vocabulary) - 1 == 23  # 0 is padding.
  kinds, counts = np.unique(every, axis=0, return_counts=True)
  assert len(kinds) == 576 and (counts == 32).all()


def rows_of(arrays):
  return {row.tobytes() for row in np.asarray(arrays)}


def test_no_test_image_is_a_training_image(small):
  train, test = small.splits["train"], small.splits["test"]
  for entry in ("image", "factors"):
    assert len(rows_of(train[entry])) == 300 and len(rows_of(test[entry])) == 30
    assert not rows_of(train[entry]) & rows_of(test[entry])


@pytest.mark.parametrize("seed", range(5))
def test_unseen_triples_are_never_in_training_but_all_pairs_are(seed):
  images = family.coloured_shapes(8)
  apart = family.held_out(images, seed)
  values = np.asarray(images.at(jnp.arange(images.total)))[:, [0, 1, 5]]
  unseen, seen = rows_of(values[apart]), rows_of(values[~apart])
  assert len(unseen) == 7 and len(seen) == 65 and not unseen & seen
  for pair in ([0, 1], [0, 2], [1, 2]):
    assert rows_of(values[~apart][:, pair]) == rows_of(values[:, pair])
  np.testing.assert_array_equal(apart, family.held_out(images, seed))


def test_the_split_unseen_has_the_triples_that_the_others_lack(unseen):
  splits = unseen.splits
  triples = {split: rows_of(x["factors"][:, [0, 1, 5]]) for split, x in splits.items()}
  assert {split: len(x["image"]) for split, x in splits.items()} == {
    "train": 2_000, "test": 200, "unseen": 200,
  }  # fmt: skip
  assert not triples["unseen"] & (triples["train"] | triples["test"])
  assert len(triples["unseen"]) == 7
  for column in range(6):
    trained = splits["train"]["factors"][:, column]
    assert set(splits["unseen"]["factors"][:, column]) <= set(trained)
  with pytest.raises(UserError, match="take 10 to 15,128"):
    load("coloured_shapes", size=8, examples=16_000, unseen=True)


def test_every_rendering_is_nearest_to_itself(shapes):
  images, _ = shapes
  factors = images.at(jnp.arange(0, images.total, 37))
  x = render(images, factors)
  np.testing.assert_array_equal(images.nearest(x), factors)
  np.testing.assert_array_equal(distance(images, factors, x), 0)


@pytest.mark.parametrize("stroke", [0.0, 0.05])
def test_the_nearest_of_all_is_found_by_brute_force_too(stroke):
  """Rounding moves a rendering by at most half a gray level, so the two distances by one."""
  images = family.coloured_shapes(8, stroke)
  every = render(images, images.at(jnp.arange(images.total))).astype(np.float32)
  rng = np.random.default_rng(0)
  noisy = every[rng.integers(images.total, size=10)] + rng.normal(0, 60, (10, 8, 8, 3))
  x = noisy.clip(0, 255).astype(np.uint8)
  least = [np.sqrt(((every - one[None]) ** 2).mean((1, 2, 3)).min()) / 255 for one in x]
  found = distance(images, images.nearest(x), x)
  assert (found >= np.array(least) - 1e-6).all() and (found <= np.array(least) + 1 / 255).all()


def test_a_judge_finds_real_images_right_and_each_wrong_word_where_it_is(small):
  test = small.splits["test"]
  image, tokens = {"image": test["image"]}, test["tokens"]
  judged = small.judge(image, {"tokens": tokens})
  assert set(judged) == {"rmse", "all", *family.WORDS}
  assert (judged.pop("rmse") == 0).all() and all((x == 1).all() for x in judged.values())
  images = small.truth["factors"]
  for column, (name, words) in enumerate(family.WORDS.items()):
    other = test["factors"].copy()
    other[:, column] = (other[:, column] + len(words) // 2) % len(words)
    judged = small.judge(image, {"tokens": np.asarray(images.tokens(jnp.asarray(other)))})
    wrong = {k for k, x in judged.items() if (x == 0).all()} - {"rmse"}
    assert wrong == {name, "all"}
    assert all((judged[k] == 1).all() for k in family.WORDS if k != name)


def test_a_caption_that_leaves_a_factor_out_allows_every_value_of_it(small):
  test, images = small.splits["test"], small.truth["factors"]
  for column, (name, words) in enumerate(family.WORDS.items()):
    other = test["factors"].copy()
    other[:, column] = (other[:, column] + len(words) // 2) % len(words)
    tokens = np.array(images.tokens(jnp.asarray(other)))
    said = [images.vocabulary.index(word) for word in words]
    tokens[np.isin(tokens, said)] = 0
    judged = small.judge({"image": test["image"]}, {"tokens": tokens})
    assert (judged[name] == 1).all() and (judged["all"] == 1).all()
  assert images.wanted(np.zeros((1, 10), int)).all()


def test_images_sampled_with_their_captions_are_judged_by_those(small):
  test = small.splits["test"]
  both = {"image": test["image"], "tokens": test["tokens"]}
  assert (small.judge(both, {})["all"] == 1).all()
  swapped = small.judge(both, {"tokens": np.roll(test["tokens"], 1, 0)})
  assert swapped["all"].mean() < 0.2
  assert set(small.judge({"image": test["image"]}, {})) == {"rmse"}


def test_captions_sampled_for_an_image_are_judged_by_it(small):
  test = small.splits["test"]
  captions = {"tokens": test["tokens"]}
  assert (small.judge(captions, {"image": test["image"]})["all"] == 1).all()
  assert small.judge(captions, {"image": np.roll(test["image"], 1, 0)})["all"].mean() < 0.2
  assert small.judge(captions, {}) == {}


def test_a_label_names_what_captions_say_of_a_factor():
  field, label = family.labels("size", np.arange(4)[:, None].repeat(6, 1))
  assert field.names == ("small", "large") and field.num_values == 2
  np.testing.assert_array_equal(label, [0, 0, 1, 1])
  with pytest.raises(UserError, match=r"data.label='hue'.*colour"):
    load("coloured_shapes", label="hue")


def test_a_translated_image_keeps_all_but_its_label(unseen):
  test, images = unseen.splits["test"], unseen.truth["factors"]
  target = (test["label"] + 1) % 6
  factors = test["factors"].copy()
  factors[:, 1] = target
  given = {"image": test["image"], "label": target}
  judged = unseen.judge({"image": render(images, factors)}, given)
  assert all((x == 1).all() for name, x in judged.items() if name != "rmse")
  untouched = unseen.judge({"image": test["image"]}, given)
  assert (untouched.pop("label") == 0).all()
  assert set(untouched) == {"rmse", "kept", *(f"kept_{x}" for x in family.WORDS if x != "colour")}


def test_a_segmentation_has_the_shape_where_it_covers_half_a_pixel(layouts):
  rows = layouts.splits["test"]
  names = layouts.fields["segmentation"].names
  assert names == ("ground", *family.WORDS["shape"])
  values = rows["factors"]
  colours, grounds = np.array([*COLOURS.values()]), np.array([*BACKGROUNDS.values()])
  colour, ground = colours[values[:, 1]], grounds[values[:, 5]]
  span = colour - ground
  # The share of the colour in each pixel, by the channel that tells most of it.
  channel = np.abs(span).argmax(1)
  of_pixel = np.take_along_axis(rows["image"], channel[:, None, None, None], 3)[..., 0]
  of_ground, of_span = (np.take_along_axis(x, channel[:, None], 1) for x in (ground, span))
  share = (of_pixel - of_ground[..., None]) / of_span[..., None]
  clear = np.abs(share - 0.5) > 0.02
  shape = (rows["segmentation"] > 0)[clear]
  np.testing.assert_array_equal(shape, (share > 0.5)[clear])
  np.testing.assert_array_equal(rows["segmentation"].max((1, 2)), 1 + values[:, 0])


def test_a_box_is_the_least_about_the_shape():
  maps = np.zeros((2, 8, 8), int)
  maps[0, 2:5, 1:7] = 3
  maps[1, 7, 0] = 1
  expected = [[0.125, 0.25, 0.875, 0.625], [0, 0.875, 0.125, 1]]
  np.testing.assert_array_equal(least_boxes(maps > 0), expected)


def test_layouts_are_judged_by_overlap_and_by_the_centre_of_the_box(layouts):
  rows = layouts.splits["test"]
  real = layouts.judge(rows, {k: rows[k] for k in ("segmentation", "box")})
  assert real["segmentation"].min() == real["centre"].min() == 1
  asked = {"segmentation": np.roll(rows["segmentation"], 2, 2), "box": rows["box"] + 0.15}
  moved = layouts.judge(rows, asked)
  assert 0 < moved["segmentation"].mean() < 0.5 and moved["centre"].max() == 0
  # Of 16 pixels 2, and somewhat more.
  asked = {"box": rows["box"] + np.array([[0.125, 0, 0.125, 0]], np.float32)}
  assert layouts.judge(rows, asked)["centre"].min() == 1
  asked = {"box": rows["box"] + np.array([[0.13, 0, 0.13, 0]], np.float32)}
  assert layouts.judge(rows, asked)["centre"].max() == 0
