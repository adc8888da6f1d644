"""Moving shapes: where they are, what captions say of them, what each way to spoil them changes."""

import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import moving
from genjax_zoo.data.drawing import SMOOTH
from genjax_zoo.data.factors import distance, render
from genjax_zoo.data.tokenizer import captions

COLOUR, DIRECTION = 0, 2


@pytest.fixture(scope="module")
def dataset():
  return moving.load("moving_shapes", examples=600)


@pytest.fixture(scope="module")
def small():
  """Videos of 16 x 16 with their factors, of every value of each."""
  videos = moving.moving_shapes(16)
  factors = np.asarray(videos.at(jnp.arange(0, videos.total, 61)))
  return videos, factors, render(videos, factors)


@pytest.fixture(scope="module")
def judge(dataset):
  """What the judge says of test videos, changed, with their own captions or others."""
  test = dataset.splits["test"]

  def judge(video=test["video"], tokens=test["tokens"]):
    return dataset.judge({"video": video}, {"tokens": tokens})

  return judge


def test_form_and_captions(dataset):
  train, test = dataset.splits["train"], dataset.splits["test"]
  assert train["video"].shape == (600, 8, 32, 32, 3) and test["video"].dtype == np.uint8
  assert dataset.fields["video"].kind == "video"
  said = captions(dataset.fields["tokens"].names, test["tokens"])
  words = list(moving.WORDS.values())
  for text, factors in zip(said, test["factors"]):
    colour, shape, direction = (words[i][factors[i]] for i in range(3))
    assert text == f"a {colour} {shape} moves {direction}"


def test_no_test_video_is_a_training_video(dataset):
  rows = {split: {v.tobytes() for v in x["video"]} for split, x in dataset.splits.items()}
  assert len(rows["train"]) == 600 and len(rows["test"]) == 60
  assert not rows["train"] & rows["test"]


def test_every_shape_stays_in_the_frame(dataset):
  """The largest ones on all lines are whole in every frame: their area never changes."""
  videos = dataset.truth["factors"]
  factors = np.stack(np.meshgrid(3, range(3), range(4), 3, range(4), [0, 15]), -1).reshape(-1, 6)
  x = render(videos, factors).astype(int)
  assert not (x[:, :, 0].any() or x[:, :, -1].any() or x[..., 0, :].any() or x[..., -1, :].any())
  np.testing.assert_array_equal(x.sum((2, 3, 4)), x[:, :1].sum((2, 3, 4)).repeat(8, 1))


def test_the_trajectory_is_where_the_shape_is(dataset):
  """Centroids are centres up to the distance of the points that are drawn, a quarter of a pixel."""
  train = dataset.splits["train"]
  weight = train["video"].max(-1).astype(float)
  grid = np.arange(32) + 0.5
  x, y = weight.sum(2) @ grid, weight.sum(3) @ grid
  found = np.stack([x, y], -1) / weight.sum((2, 3))[..., None]
  np.testing.assert_allclose(found, train["trajectory"], atol=1 / (2 * SMOOTH))
  moves = np.array([*moving.DIRECTIONS.values()])[train["factors"][:, DIRECTION]]
  steps = np.diff(train["trajectory"], axis=1)
  np.testing.assert_allclose(steps, 2 * moves[:, None].repeat(7, 1), atol=1e-4)


def test_every_video_is_nearest_to_itself_and_read_right(dataset, small):
  videos, factors, x = small
  np.testing.assert_array_equal(videos.nearest(x), factors)
  np.testing.assert_array_equal(moving.looks(x, size=16)[:, :3], factors[:, [0, 1, 3]])
  train = dataset.splits["train"]
  np.testing.assert_array_equal(dataset.truth["factors"].nearest(train["video"]), train["factors"])


def test_no_other_video_is_nearer_than_the_nearest(small):
  """Rounding moves a rendering by at most half a gray level, so the two distances by one."""
  videos, _, some = small
  noise = np.random.default_rng(0).normal(0, 80, some.shape)
  x = (some + noise).clip(0, 255).astype(np.uint8)
  nearest = videos.nearest(x)
  found = distance(videos, nearest, x)
  flat = some.reshape(len(some), -1).astype(np.float32)
  rmse = lambda row: np.sqrt(((flat - row.reshape(1, -1)) ** 2).mean(1).min())
  assert (found <= (np.array([rmse(row) for row in x]) + 1) / 255).all()
  aside = nearest + np.array([[0, 0, 0, 0, 0, 1]]) * np.where(nearest[:, 5:] < 15, 1, -1)
  assert (distance(videos, aside, x) >= found - 1 / 255).all()


def test_real_videos_are_right_in_everything(judge):
  judged = judge()
  assert (judged.pop("rmse") == 0).all() and (judged.pop("off_line") < 1e-5).all()
  assert set(judged) == {"consistent", "colour", "shape", "direction", "all"}
  assert all((x == 1).all() for x in judged.values())


@pytest.mark.parametrize("column, name", enumerate(["colour", "shape", "direction"]))
def test_a_wrong_word_moves_its_own_measure_alone(dataset, judge, column, name):
  other = dataset.splits["test"]["factors"].copy()
  other[:, column] = (other[:, column] + 1) % len(moving.WORDS[name])
  judged = judge(tokens=np.asarray(dataset.truth["factors"].tokens(jnp.asarray(other))))
  assert (judged[name] == 0).all() and (judged["all"] == 0).all()
  assert all((judged[x] == 1).all() for x in {"colour", "shape", "direction"} - {name})
  without = np.where(np.arange(5)[None] == (1, 2, 4)[column], 0, dataset.splits["test"]["tokens"])
  assert (judge(tokens=without)["all"] == 1).all()


def test_shuffled_frames_move_what_is_about_motion_alone(dataset, judge):
  rng = np.random.default_rng(0)
  shuffled = np.stack([v[rng.permutation(8)] for v in dataset.splits["test"]["video"]])
  judged = judge(shuffled)
  for name in ("colour", "shape", "consistent"):
    assert (judged[name] == 1).all()
  assert judged["off_line"].mean() > 3 and judged["direction"].mean() < 0.7


def test_a_video_that_runs_backwards_moves_the_other_way_along_its_line(dataset, judge):
  judged = judge(dataset.splits["test"]["video"][:, ::-1])
  assert (judged["direction"] == 0).all() and (judged["all"] == 0).all()
  assert all((judged[name] == 1).all() for name in ("colour", "shape", "consistent"))
  assert (judged["off_line"] < 1e-5).all()


def test_a_mirrored_video_has_left_and_right_exchanged(dataset, judge):
  judged = judge(dataset.splits["test"]["video"][:, :, :, ::-1])
  upright = dataset.splits["test"]["factors"][:, DIRECTION] >= 2
  np.testing.assert_array_equal(judged["direction"], upright)
  assert all((judged[name] == 1).all() for name in ("colour", "shape", "consistent"))


def test_frames_of_another_shape_are_not_consistent(dataset, judge):
  """Two frames in another colour leave six of eight; the rest is as before."""
  factors = dataset.splits["test"]["factors"].copy()
  factors[:, COLOUR] = (factors[:, COLOUR] + 1) % 4
  video = dataset.splits["test"]["video"].copy()
  video[:, 3:5] = render(dataset.truth["factors"], factors)[:, 3:5]
  judged = judge(video)
  np.testing.assert_array_equal(judged["consistent"], 0.75)
  assert (judged["off_line"] < 0.05).all() and (judged["all"] == 1).all()


def test_the_motion_of_points_by_hand():
  """Uniform motion is found; one of 4 points off by d leaves d sqrt(1 - h) / 2, h its leverage."""
  t = np.arange(4)[:, None]
  straight = np.array([1.0, 2.0])[None] + t * np.array([0.5, -0.25])[None]
  bent = straight + np.array([0, 0, 0, 1])[:, None] * np.array([0, 2.0])[None]
  velocity, off = moving.motion(np.stack([straight, bent]))
  np.testing.assert_allclose(velocity[0], [0.5, -0.25])
  leverage = 1 / 4 + 1.5**2 / 5
  np.testing.assert_allclose(off, [0, 2 * np.sqrt(1 - leverage) / 2], atol=1e-12)


def test_sixteen_frames_start_where_eight_do_and_go_in_half_steps():
  slow, fast = moving.moving_shapes(32, 16), moving.moving_shapes(32)
  factors = np.asarray(slow.at(jnp.arange(0, slow.total, 997)))
  path = moving.trajectory(factors, 32, 16)
  steps = np.diff(path, axis=1)
  np.testing.assert_allclose(np.abs(steps).sum(-1), 1, atol=1e-5)
  np.testing.assert_allclose(path[:, ::2], moving.trajectory(factors, 32), atol=1e-5)
  video = render(slow, factors)
  assert video.shape == (len(factors), 16, 32, 32, 3)
  np.testing.assert_array_equal(video[:, ::2], render(fast, factors))
  np.testing.assert_array_equal(slow.nearest(video), factors)
  judged = moving.judge_of(slow, 32)({"video": video}, {"tokens": np.asarray(slow.tokens(factors))})
  assert (judged["all"] == 1).all() and (judged["off_line"] < 1e-5).all()
  np.testing.assert_array_equal(slow.tokens(factors), fast.tokens(factors))


def test_a_prediction_keeps_what_its_first_frames_show(dataset):
  """Two frames show all three; of another video they show what is another there."""
  test = dataset.splits["test"]
  video, factors = test["video"], test["factors"][:, :3]
  judged = dataset.judge({"video": video}, {"frames": video[:, :2]})
  assert (judged["kept"] == 1).all() and "direction" not in judged
  judged = dataset.judge({"video": video}, {"frames": np.roll(video[:, :2], 1, 0)})
  same = np.roll(factors, 1, 0) == factors
  for i, name in enumerate(("kept_colour", "kept_shape", "kept_direction")):
    np.testing.assert_array_equal(judged[name], same[:, i])
  backwards = dataset.judge({"video": video[:, ::-1]}, {"frames": video[:, :2]})
  assert (backwards["kept_direction"] == 0).all() and (backwards["kept_shape"] == 1).all()


def test_black_videos_have_no_nan(judge, dataset):
  judged = judge(np.zeros_like(dataset.splits["test"]["video"]))
  assert all(np.isfinite(x).all() for x in judged.values())
  assert (judged["rmse"] > 0.02).all()


def test_sizes_that_would_move_by_parts_of_pixels_are_refused():
  with pytest.raises(UserError, match=r"data.size=24: take a multiple of 16"):
    moving.load("moving_shapes", size=24)
