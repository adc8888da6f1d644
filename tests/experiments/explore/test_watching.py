"""A training that is watched: what is shown takes little of its time, and a pause holds it."""

import contextlib
import signal
import threading
import time
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.explore import watching
from genjax_zoo.core import Field, Model
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.sharding import make_mesh


def points(params, state, key, n, given={}):
  return {"x": jnp.full((n, 2), params["at"])}


@pytest.fixture
def training(tmp_path):
  """(the watching, its hook, the log) of a model of points at params["at"]."""
  model = Model(
    init=None,
    sample=points,
    log_prob=lambda params, state, batch, key: -params["at"] * batch["x"].sum(-1) ** 2,
    parts={"critic": lambda params, state, batch: batch["x"][:, 0] * params["at"]},
  )
  x = np.float32([[0, 0], [2, 2], [1, 0]])
  dataset = Dataset("toy", {"x": Field((2,), np.float32)}, {"train": {"x": x}, "test": {"x": x}})
  config = {"name": "toy", "train": {"steps": 10_000}, "sample": {"n": 4, "seed": 0}}
  log = SimpleNamespace(last_time=0.0, compile_seconds=1.0, clocked=0.5)
  log.clock = lambda what: contextlib.nullcontext()
  watched = watching.Watching(Clock())
  return watched, watched.hook(config, dataset, model, make_mesh(), tmp_path, log), log


class Clock:
  """A clock that goes when it is told to."""

  now = 100.0

  def __call__(self) -> float:
    return self.now


def state(at: float):
  return SimpleNamespace(weights={"at": jnp.float32(at)}, state={})


def test_nothing_is_shown_unless_a_page_looks(training):
  watched, after, _ = training
  after(1, state(0.5))
  assert watched.state["step"] == 1
  assert watched.state["shown"] is None
  watched.seen()
  watched.clock.now += watching.LOOKING
  after(2, state(0.5))
  assert watched.state["shown"] is None


def test_pictures_take_two_percent_of_the_training_at_most(training, monkeypatch):
  """The first is compiled, and the last is made, outside of its time."""
  watched, after, log = training
  took = {}

  def show(run):
    watched.clock.now += 0.2 + run.step % 7
    took[run.step] = took.get(run.step, 0.0) + 0.2 + run.step % 7
    watched.state["shown"] = {"step": run.step}

  monkeypatch.setattr(watched, "show", show)
  for step in range(1, 5_000):
    watched.clock.now += 1.0
    watched.seen()
    after(step, state(0.5))
    if step == 1:
      assert took == {1: 2.4}
      assert (log.last_time, log.compile_seconds) == (0.5, 1.5)
      begun = watched.clock.now
  _, *times, last = took.values()  # The rest from the last one is not over.
  share = sum(times) / (watched.clock.now - begun - last)
  assert 0.015 < share <= 0.02
  assert len(times) > 20
  after(10_000, state(0.5))
  assert 10_000 in took


def test_curves_are_read_no_more_often_than_is_cheap(training, monkeypatch):
  watched, _, _ = training
  reads = []

  def read(path):
    watched.clock.now += 0.1
    reads.append(path)
    return [{"step": len(reads), "loss": 1.0}]

  monkeypatch.setattr(watching, "read_rows", read)
  for _ in range(1_000):
    watched.clock.now += 0.7
    assert watched.seen()["curves"] == {"loss": [[len(reads), 1.0]]}
  assert len(reads) == pytest.approx(0.005 * (watched.clock.now - 100) / 0.1, abs=1)


def test_a_picture_that_fails_does_not_end_the_training(training):
  watched, after, _ = training
  watched.seen()
  after(3, SimpleNamespace(weights={}, state={}))
  assert watched.state["shown"] == {"step": 3, "error": "KeyError: 'at'"}


def test_a_page_that_looks_sees_the_plane_of_the_newest_weights(training):
  watched, after, _ = training
  watched.seen()
  after(3, state(0.5))
  seen = watched.seen()
  assert (seen["step"], seen["steps"], seen["ended"]) == (3, 10_000, False)
  plane = seen["shown"]["plane"]
  assert seen["shown"]["step"] == 3
  assert plane["data"] == [[0, 0], [2, 2], [1, 0]]
  assert plane["samples"] == [[0.5, 0.5]] * watching.POINTS
  # The square about the data has its middle at (1, 1) and goes 1.1 to either side of it.
  np.testing.assert_allclose(plane["extent"], [-0.1, 2.1, -0.1, 2.1], rtol=1e-6)
  cells = -0.1 + 2.2 * (np.arange(watching.CELLS) + 0.5) / watching.CELLS
  critic = np.reshape(plane["critic"], (watching.CELLS, watching.CELLS))
  np.testing.assert_allclose(critic[7], 0.5 * cells, rtol=1e-3)
  density = np.exp(-0.5 * (cells[:, None] + cells) ** 2)
  np.testing.assert_allclose(np.reshape(plane["density"], density.shape), density, rtol=1e-3)
  after(10_000, state(0.5))
  assert watched.seen()["ended"]


def test_a_pause_holds_the_training_and_is_no_time_of_it(training):
  watched, after, log = training
  watched.clock = time.perf_counter
  watched.paused.set()
  thread = threading.Thread(target=after, args=(1, state(0.0)))
  thread.start()
  thread.join(0.3)
  assert thread.is_alive()
  watched.paused.clear()
  thread.join(10)
  assert not thread.is_alive()
  assert 0.3 <= log.last_time < 5


def test_a_signal_ends_a_pause(training):
  watched, after, _ = training
  watched.paused.set()
  before = signal.getsignal(signal.SIGINT)

  def received(signum, frame):
    signal.signal(signal.SIGINT, before)

  signal.signal(signal.SIGINT, received)
  timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
  # In the main thread: Python runs handlers there.
  timer.start()
  after(1, state(0.0))
  assert watched.paused.is_set()


def test_curves_are_of_numbers_and_have_few_points():
  rows = [{"step": i, "loss": i / 2, "seconds": 1.0, "device": "cpu"} for i in range(1000)]
  found = watching.curves(rows)
  assert found.keys() == {"loss"}
  assert 200 <= len(found["loss"]) <= watching.LONGEST
  assert found["loss"][1] == [4, 2.0]
