"""Coloured scenes: what captions and cameras say is what is seen."""

import jax
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import load, scenes
from genjax_zoo.data.dataset import count
from genjax_zoo.data.drawing import COLOURS
from genjax_zoo.data.tokenizer import captions
from genjax_zoo.prob import cameras

SIZE = 16


@pytest.fixture(scope="module")
def dataset():
  return load("coloured_scenes", size=SIZE, examples=300)


def test_images_are_different_and_have_captions_and_cameras(dataset):
  assert {s: count(x) for s, x in dataset.splits.items()} == {"train": 300, "test": 30}
  both = {k: np.concatenate([x[k] for x in dataset.splits.values()]) for k in dataset.fields}
  assert len(np.unique(both["factors"], axis=0)) == 330
  text = captions(dataset.fields["tokens"].names, both["tokens"])
  shape, colour, _, azimuth, elevation = both["factors"].T
  for i in range(330):
    assert text[i] == f"a {list(COLOURS)[colour[i]]} {scenes.WORDS['shape'][shape[i]]}"
  degrees = np.stack([10 * azimuth, np.array(scenes.ELEVATIONS)[elevation]], 1)
  np.testing.assert_allclose(both["camera"], np.radians(degrees), rtol=1e-5)
  assert dataset.fields["camera"].shape == (2,)


def test_the_solid_s_pixel_has_its_colour(dataset):
  """At the projection of the solid's middle the channels have the ratios of its colour.

  Small ones are left out, whose cones are narrower there than a pixel.
  """
  for example in zip(*(dataset.splits["train"][k] for k in ("image", "factors", "camera"))):
    image, factors, camera = example
    if factors[2] == 0:
      continue
    middle = np.array([0, 0, scenes.FLOOR + scenes.RADII[factors[2]]])
    column, row = np.asarray(cameras.project(middle, *camera)) * SIZE
    pixel = image[int(row), int(column)].astype(float)
    colour = np.array([*COLOURS.values()])[factors[1]]
    shade = pixel.sum() / colour.sum()
    assert 0.39 < shade <= 1.01 and np.abs(pixel - shade * colour).max() < 4


def test_real_images_are_judged_right_and_others_by_their_captions(dataset):
  test = dataset.splits["test"]
  found = dataset.judge({"image": test["image"]}, {"tokens": test["tokens"]})
  # Another compiled program may round a pixel to the next gray level.
  assert found["rmse"].max() < 1e-3 and found["all"].min() == 1
  wrong = dataset.judge({"image": test["image"]}, {"tokens": np.roll(test["tokens"], 1, 0)})
  right = (test["tokens"] == np.roll(test["tokens"], 1, 0))[:, [2, 1]]
  np.testing.assert_array_equal(np.stack([wrong["shape"], wrong["colour"]], 1), right)
  noise = np.random.default_rng(0).integers(256, size=(5, SIZE, SIZE, 3), dtype=np.uint8)
  assert dataset.judge({"image": noise}, {})["rmse"].min() > 0.2


def test_views_are_compared_with_what_the_caption_and_the_camera_say(dataset):
  """Of the size that fits best, also between the cameras that the set has."""
  test = dataset.splits["test"]
  told = {k: test[k] for k in ("tokens", "camera")}
  right = dataset.judge({"image": test["image"]}, told)["view_psnr"]
  assert right.min() > 45  # Another compiled program may round a pixel to the next gray level.
  turned = {**told, "camera": test["camera"] + np.radians([[90, 0]]).astype("f4")}
  assert dataset.judge({"image": test["image"]}, turned)["view_psnr"].max() < 45
  other = {**told, "tokens": np.roll(test["tokens"], 1, 0)}
  changed = (other["tokens"] != told["tokens"]).any(1)
  found = dataset.judge({"image": test["image"]}, other)["view_psnr"]
  assert (found[changed] < 35).all() and changed.any()
  black = np.zeros_like(test["image"][:1])
  one = {k: x[:1] for k, x in told.items()}
  image = scenes.view(SIZE, True, *test["factors"][0, :3], *test["camera"][0])
  worst = -10 * np.log10((np.asarray(image, float) ** 2).mean() / 255**2)
  assert abs(dataset.judge({"image": black}, one)["view_psnr"][0] - worst) < 1.5


def test_without_ground_the_background_is_white():
  plain = load("coloured_scenes", size=SIZE, examples=20, ground=False).splits["train"]["image"]
  assert (plain[:, [0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
  assert (plain[:, :, [0, -1]] == 255).all()  # No solid touches the sides.


def test_wrong_sizes_are_refused():
  for name in ("coloured_scenes", "scene_views"):
    with pytest.raises(UserError, match=r"data\.examples=9"):
      load(name, examples=9)
  with pytest.raises(UserError, match="take 10 to 9,426 of"):
    load("coloured_scenes", examples=10_000)


def test_views_of_one_scene_are_what_its_cameras_see():
  dataset = load("scene_views", size=SIZE, examples=20)
  assert {s: count(x) for s, x in dataset.splits.items()} == {"train": 20, "test": 2}
  test = dataset.splits["test"]
  render = jax.jit(dataset.truth["render"])
  for image, camera in zip(test["image"], test["camera"]):
    seen = np.asarray(render(*camera))
    assert np.abs(seen.astype(int) - image).mean() < 0.1
  # All four solids stand on the ground, and no two meet.
  scene = dataset.truth["scene"]
  same, other = (scenes.random_scene(np.random.default_rng(seed)) for seed in (0, 1))
  np.testing.assert_array_equal(scene.centre, same.centre)
  assert not np.array_equal(scene.centre, other.centre)
  np.testing.assert_allclose(scene.centre[:, 2] - scene.half[:, 2], scenes.FLOOR, rtol=1e-5)
  gaps = np.linalg.norm(scene.centre[:, None, :2] - scene.centre[None, :, :2], axis=-1)
  reach = np.sqrt(2) * np.asarray(scene.half[:, 0])
  assert (gaps + 9 * np.eye(4) > (reach[:, None] + reach[None]) * 0.99).all()
