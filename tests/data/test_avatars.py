"""Avatars: people held out, poses that say nothing of them, and a judge of both apart."""

import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import avatars
from genjax_zoo.data.dataset import main_entry
from genjax_zoo.data.factors import render

PERSON = slice(0, len(avatars.PERSON))
SKIN, BLINK = 1, 10


@pytest.fixture(scope="module")
def dataset():
  return avatars.load("avatars", people=40)


@pytest.fixture(scope="module")
def test(dataset):
  return dataset.splits["test"]


@pytest.fixture(scope="module")
def judge(dataset, test):
  """What the judge says of images with the landmarks and shots of the test split, or others."""

  def judge(image=test["image"], **other):
    given = {name: test[name] for name in ("landmarks", "shots", "shot_landmarks")}
    return dataset.judge({"image": image}, given | other)

  return judge


def rows(x):
  return {row.tobytes() for row in x}


def test_people_are_held_out_and_each_is_seen_in_eight_poses(dataset):
  people = {split: rows(x["factors"][:, PERSON]) for split, x in dataset.splits.items()}
  assert len(people["train"]) == 40 and len(people["test"]) == 10
  assert not people["train"] & people["test"]
  for x in dataset.splits.values():
    _, counts = np.unique(x["identity"], return_counts=True)
    assert (counts == 8).all() and len(rows(x["factors"])) == len(x["factors"])
    np.testing.assert_array_equal(x["factors"][:, PERSON], dataset.truth["people"][x["identity"]])
  assert main_entry(dataset.fields) == "image"
  assert dataset.fields["identity"].num_values == 50
  eyeless = dataset.truth["people"][:, :-1]
  assert len(rows(eyeless)) == 50  # Closed eyes hide nothing that tells people apart.


def test_shots_are_other_images_of_the_same_person(dataset):
  train = dataset.splits["train"]
  known = {image.tobytes(): i for i, image in enumerate(train["image"])}
  shown = np.array([[known[shot.tobytes()] for shot in shots] for shots in train["shots"]])
  assert (train["identity"][shown] == train["identity"][:, None]).all()
  assert (shown != np.arange(len(shown))[:, None]).all()
  assert all(len(set(row)) == avatars.SHOTS for row in shown)
  np.testing.assert_array_equal(train["shot_landmarks"], train["landmarks"][shown])


def test_landmarks_are_those_of_the_pose_alone(dataset):
  marks = avatars.poses(32)
  drawn = render(marks, marks.at(jnp.arange(avatars.POSES)))
  assert len(rows(drawn)) == avatars.POSES
  train = dataset.splits["train"]
  np.testing.assert_array_equal(render(marks, train["factors"][:, -4:]), train["landmarks"])


def test_every_factor_shows_and_the_background_is_one(dataset):
  heads, factors = dataset.truth["factors"], dataset.splits["train"]["factors"]
  image = dataset.splits["train"]["image"]
  corners = image[:, [0, 0, 10, 10], [0, -1, 0, -1]]
  assert (corners == np.array(avatars.GROUND)).all()
  for column, size in enumerate(heads.sizes):
    other = factors.copy()
    other[:, column] = (other[:, column] + 1) % size
    seen = (render(heads, other) != image).any((1, 2, 3))
    hidden = factors[:, BLINK] == 1 if heads.names[column] == "eyes" else np.zeros(len(seen), bool)
    np.testing.assert_array_equal(seen, ~hidden, heads.names[column])


def test_a_head_that_looks_left_is_the_mirror_image_of_one_that_looks_right(dataset):
  """Turned and tilted the other way; a pixel may be rounded to the next gray level."""
  heads, factors = dataset.truth["factors"], dataset.splits["test"]["factors"]
  other = factors.copy()
  other[:, 7], other[:, 8] = 4 - factors[:, 7], 2 - factors[:, 8]
  mirrored = render(heads, other)[:, :, ::-1].astype(int)
  assert np.abs(mirrored - dataset.splits["test"]["image"]).max() <= 1


def test_a_judge_finds_real_images_right(judge):
  judged = judge()
  assert (judged.pop("rmse") == 0).all()
  assert set(judged) == {"identity", "likeness", "pose"}
  assert all((x == 1).all() for x in judged.values())


def test_the_same_person_in_another_pose_is_wrong_in_the_pose_alone(judge, test):
  judged = judge(test["shots"][:, 0])
  assert (judged["pose"] == 0).all()
  assert (judged["identity"] == 1).all() and (judged["likeness"] == 1).all()


def test_another_person_in_the_same_pose_is_wrong_in_identity_alone(dataset, judge, test):
  factors = test["factors"].copy()
  factors[:, PERSON] = np.roll(factors[:, PERSON], 8, 0)
  judged = judge(render(dataset.truth["factors"], factors))
  assert (judged["pose"] == 1).all() and (judged["identity"] == 0).all()
  common = (factors[:, PERSON] == test["factors"][:, PERSON]).mean(1)
  np.testing.assert_allclose(judged["likeness"], common, atol=1e-6)


def test_wrong_conditions_are_found(judge, test):
  judged = judge(landmarks=np.roll(test["landmarks"], 1, 0))
  assert (judged["pose"] == 0).all() and (judged["identity"] == 1).all()
  judged = judge(shots=np.roll(test["shots"], 8, 0))
  assert (judged["pose"] == 1).all() and (judged["identity"] == 0).all()


def test_the_nearest_by_brute_force():
  rng = np.random.default_rng(0)
  x = rng.integers(0, 256, (7, 3, 3, 1), dtype=np.uint8)
  known = rng.integers(0, 256, (1_500, 3, 3, 1), dtype=np.uint8)
  squares = ((x[:, None].astype(float) - known[None]) ** 2).mean((2, 3, 4))
  found, rmse = avatars.nearest_of(x, known)
  np.testing.assert_array_equal(found, squares.argmin(1))
  np.testing.assert_allclose(rmse, np.sqrt(squares.min(1)) / 255, rtol=1e-6)


def test_more_people_than_there_are_are_refused():
  with pytest.raises(UserError, match=r"data.people=1000: take 4 to 922"):
    avatars.load("avatars", people=1_000)
