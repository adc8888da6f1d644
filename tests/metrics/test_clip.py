"""CLIP as a measure: known embeddings have known measures, and exactly these see the captions."""

from types import SimpleNamespace

import numpy as np
import pytest

from genjax_zoo import data
from genjax_zoo.core import Field
from genjax_zoo.metrics import clip, weights
from genjax_zoo.metrics.judged import judged

N = 6
CAPTIONS = np.array([[c, s] for c in (1, 2, 3) for s in (4, 5)])  # Three colours, two shapes.
SLOTS = {"colour": (0,), "shape": (1,)}


def directions(tokens):
  """A direction for each colour, and a shorter one for each shape: the toy's embedding."""
  rows = np.concatenate([np.eye(4)[tokens[:, 0]], 0.5 * np.eye(6)[tokens[:, 1]]], 1)
  return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


# Its images are captions: [N, 2].
TOY = clip.Clip("toy@sha256:0", directions, directions)


def test_images_of_their_captions_are_found():
  found = clip.fit(TOY, CAPTIONS, CAPTIONS, CAPTIONS, SLOTS)
  assert all(x.shape == (N,) for x in found.values())
  np.testing.assert_allclose([found[k] for k in found], 1, rtol=1e-6)


def test_a_wrong_shape_is_seen_by_what_is_about_shapes():
  """The images show the other shape: cosine 1 / 1.25, and the one caption above is the image's."""
  shown = CAPTIONS.copy()
  shown[:, 1] = 9 - shown[:, 1]
  found = clip.fit(TOY, shown, CAPTIONS, CAPTIONS, SLOTS)
  np.testing.assert_allclose(found["clip_score"], 0.8, rtol=1e-5)
  np.testing.assert_array_equal(found["clip_retrieval"], 0)
  # There are 6 captions in all: 100 can't be drawn, and the wrong one is always among them.
  np.testing.assert_array_equal(found["clip_r_precision"], 0)
  np.testing.assert_array_equal(found["clip_colour"], 1)
  np.testing.assert_array_equal(found["clip_shape"], 0)


def test_r_precision_is_among_99_others():
  """One of 200 others is better: it is drawn with probability 99 / 200."""
  rng = np.random.default_rng(0)
  angles = np.concatenate([[0.1, 0.05], rng.uniform(1, 3, 199)])  # Of caption and image.
  turn = lambda i: np.stack([np.cos(angles[i[:, 0]]), np.sin(angles[i[:, 0]])], 1)
  image = lambda i: np.tile(np.array([[1.0, 0.0]]), (len(i), 1))
  net = clip.Clip("toy", image, turn)
  captions = np.arange(201)[:, None]
  found = clip.fit(net, captions[:1], captions[:1], captions)
  assert found["clip_r_precision"] == pytest.approx(1 - 99 / 200, abs=1e-5)
  assert found["clip_retrieval"] == 0 and found["clip_score"] == pytest.approx(np.cos(0.1))


def test_zero_shot_classes_are_means_at_length_1():
  """A class with two captions far apart has a shorter mean, which must not count against it."""
  candidates = np.array([[1, 0, 0], [0, 1, 0], [0.8, 0, 0.6]], np.float32)
  words = np.array([[1], [1], [2]])
  image = np.array([[0.9, 0.436, 0.0]], np.float32)
  assert clip.zero_shot(image, candidates, words, np.array([[1]])).all()


def test_judged_says_whose_weights_and_wrong_captions_move_it():
  tokens = CAPTIONS.astype(np.int32)
  split = {"image": tokens, "tokens": tokens}
  fields = {"image": Field((2,), np.int32, 10), "tokens": Field((2,), np.int32, 10)}
  truth = {"factors": SimpleNamespace(slots=SLOTS)}
  toy = data.Dataset("toy", fields, {"train": split, "test": split}, truth=truth)
  found = judged(split, toy, {"tokens": fields["tokens"]}, clip=TOY)
  assert found["clip"] == "toy@sha256:0"
  assert found["samples"] == found["real"]
  assert all(x == pytest.approx(1) for x in found["real"].values())
  assert found["wrong"]["clip_retrieval"] == 0 and found["wrong"]["clip_score"] < 0.9
  assert "clip" not in judged({"image": tokens}, toy._replace(judge=lambda *x: {"a": [1.0]}), {})


@pytest.fixture(scope="module")
def shapes():
  return data.load("coloured_shapes", examples=1000)


def test_the_committed_clip_finds_captions_as_it_says(shapes):
  (file,) = clip.HERE.glob("clip_coloured_shapes-*.npz")
  assert file.stat().st_size < 1e6
  net = clip.choose(shapes)
  name, _, about = weights.read(file)
  assert net.name == name and name.startswith("clip_coloured_shapes@sha256:")
  recorded = about["measures"]
  assert recorded["clip_retrieval"] >= 0.7 and recorded["retrieved_shape"] >= 0.7
  found = clip.measures(net, shapes)  # Of 100 images, which it may have been trained on.
  for name, value in found.items():
    error = 4 * np.sqrt(max(recorded[name] * (1 - recorded[name]), 0) / 100) + 0.02
    assert value > recorded[name] - error, name


def test_exchanged_captions_move_what_is_about_captions_and_nothing_else(shapes):
  """Of real images: CLIP falls to chance, as the attributes do; distance to a rendering is 0."""
  tokens = {"tokens": shapes.fields["tokens"]}
  test = shapes.splits["test"]
  found = judged(test, shapes, tokens, clip=clip.choose(shapes))
  real, wrong = found["real"], found["wrong"]
  assert real["rmse"] == wrong["rmse"] == 0
  for name in real.keys() - {"rmse"}:
    assert wrong[name] < real[name] - 0.2, name
  assert wrong["clip_retrieval"] <= 0.03 and abs(wrong["clip_r_precision"] - 0.01) < 0.05
  assert abs(wrong["clip_colour"] - 1 / 6) < 0.16


def test_noise_and_missing_detail_lower_the_score(shapes):
  net, test = clip.choose(shapes), shapes.splits["test"]
  captions = clip.all_captions(shapes)
  score = lambda x: clip.fit(net, x, test["tokens"], captions)["clip_score"].mean()
  noise = np.random.default_rng(0).normal(0, 80, test["image"].shape)
  noisy = np.clip(test["image"] + noise, 0, 255).astype(np.uint8)
  blank = np.broadcast_to(test["image"][:, :1, :1], test["image"].shape)
  assert score(blank) < score(noisy) < score(test["image"])


def test_captions_are_those_of_all_splits(shapes):
  held_out = shapes.splits["test"]["tokens"][:1]
  rest = np.unique(shapes.splits["train"]["tokens"], axis=0)
  rest = rest[(rest != held_out).any(1)]
  parts = {"train": rest, "test": rest[:5], "unseen": held_out}
  splits = {k: {"tokens": x} for k, x in parts.items()}
  assert len(clip.all_captions(shapes._replace(splits=splits))) == len(rest) + 1


def test_other_images_have_no_clip(shapes):
  other = shapes._replace(fields=shapes.fields | {"image": Field((16, 16, 3), np.uint8, 256)})
  assert clip.choose(other) is None
  assert clip.choose(data.load("digits")) is None
