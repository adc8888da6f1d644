"""Training, watched: the page shows curves, samples from fixed noise, and a switch to pause.

A picture is made between two dispatches, while a page looks on. What it costs is a `Share` of the
training's time, 2 percent at most, and the page's curves are another of 0.5 percent.
"""

from collections.abc import Callable
import signal
import threading
import time

import jax
import numpy as np

from experiments.explore.questions import png
from experiments.hooks import given_rows
from genjax_zoo.data import take
from genjax_zoo.data.dataset import Dataset, count, main_entry
from genjax_zoo.figures.kinds import show
from genjax_zoo.figures.plane import critic_at, frame
from genjax_zoo.log import read_rows
from genjax_zoo.run import Run
from genjax_zoo.sample import sample_options

LOOKING = 5.0  # Seconds for which a page that has asked counts as looking.
POINTS = 400  # In the plane.
CELLS = 40  # Along an edge of a map of the plane.
LONGEST = 300  # The most points of a curve.
SAMPLES = 16


class Share:
  """Work that takes at most a share of the time: it rests in proportion to what it took."""

  def __init__(self, share: float, clock: Callable = time.perf_counter):
    self.share = share
    self.clock = clock
    self.rests = -np.inf  # Until then.

  def due(self) -> bool:
    """Whether the rest is over."""
    return self.clock() >= self.rests

  def work(self, f: Callable, *args):
    """`f(*args)`, from whose end it rests."""
    begun = self.clock()
    found = f(*args)
    now = self.clock()
    self.rests = now + (now - begun) * (1 - self.share) / self.share
    return found


class Watching:
  """The trainings of one command, one after the other, as the page sees them."""

  def __init__(self, clock: Callable = time.perf_counter):
    self.clock = clock
    self.asked = -np.inf  # When a page last asked.
    self.paused = threading.Event()
    self.run = None
    self.curves = {}
    self.state = {"step": 0, "steps": 0, "ended": False, "shown": None}

  def hook(self, config, dataset: Dataset, model, mesh, folder, log):
    """`f(step, ts)` for a training that begins, called after each dispatch."""
    self.pictures = Share(0.02, self.clock)
    self.readings = Share(0.005, self.clock)
    self.curves = {}
    self.dataset = dataset
    self.state = {
      "name": config["name"],
      "step": 0,
      "steps": config["train"]["steps"],
      "ended": False,
      "shown": None,
    }
    self.run = Run(model, {}, {}, config, dataset.fields, 0, folder, mesh)

    def after(step, ts):
      self.state["step"] = step
      self.state["ended"] = step >= config["train"]["steps"]
      if self.clock() - self.asked < LOOKING:
        self.look(self.run._replace(weights=ts.weights, state=ts.state, step=step), log)
      waited = self.wait()
      self.pictures.rests += waited
      log.last_time += waited

    return after

  def look(self, run: Run, log):
    """Shows some weights where it is due, the first and the last ones at any rate.

    These take no time of the training. The first are shown twice, as the first time compiles.
    """
    first = self.state["shown"] is None
    if not (first or self.state["ended"] or self.pictures.due()):
      return
    jax.block_until_ready(run.weights)  # The dispatch is the training's work.
    if first:
      with log.clock("compiling what the page shows"):
        self.show(run)
        self.pictures.work(self.show, run)
      log.compile_seconds += log.clocked
      log.last_time += log.clocked
    else:
      self.pictures.work(self.show, run)

  def show(self, run: Run):
    """Makes a picture of some weights; one that fails is not worth a training."""
    try:
      self.state["shown"] = {"step": run.step} | self.shown(run)
    except Exception as e:
      reason = (str(e).splitlines() or [""])[0]
      self.state["shown"] = {"step": run.step, "error": f"{type(e).__name__}: {reason}"}

  def wait(self) -> float:
    """Waits while the page has paused the training, or until a signal; returns the seconds."""
    begun = self.clock()
    # The loop's handler gives way to the one before it when the signal comes.
    handler = signal.getsignal(signal.SIGINT)
    while self.paused.is_set() and signal.getsignal(signal.SIGINT) == handler:
      time.sleep(0.05)
    return self.clock() - begun

  def shown(self, run: Run) -> dict:
    """What the page shows of some weights: a picture of samples, or the plane."""
    name = main_entry(run.fields)
    if run.fields[name].shape == (2,):
      return {"plane": self.plane(run, name)}
    if run.model.sample is None:
      return {}
    given = given_rows(run, self.dataset, SAMPLES)
    batch = run.sample(SAMPLES, 0, given, **sample_options(run.config))
    picture = show(given | batch, dict(run.model.given) | dict(run.fields))
    return {} if picture is None else {"picture": png(picture)}

  def plane(self, run: Run, name: str) -> dict:
    """The data, the samples, the model's density and the critic's output in the plane."""
    examples = self.dataset.splits["test"]
    rows = take(examples, np.arange(min(POINTS, count(examples))))
    extent, points = frame(rows[name], CELLS)
    found = {"extent": [float(x) for x in extent], "data": listed(rows[name])}
    if run.model.sample and not run.model.given:
      samples = run.sample(POINTS, 0, **sample_options(run.config))
      found["samples"] = listed(samples[name])
    batch = {name: points}
    if run.model.log_prob and set(run.fields) == {name}:
      found["density"] = listed(np.exp(run.log_prob(batch)))
    if "critic" in run.model.parts and not run.model.given:
      found["critic"] = listed(critic_at(run, batch))
    return found

  def seen(self) -> dict:
    """The training as JSON; whoever asks is looking."""
    self.asked = self.clock()
    if self.run and self.readings.due():
      path = self.run.folder / "metrics.jsonl"
      self.curves = self.readings.work(lambda: curves(read_rows(path)))
    return self.state | {"paused": self.paused.is_set(), "curves": self.curves}


def curves(rows: list[dict]) -> dict[str, list]:
  """{name: [[step, value], ...]} of the rows of metrics.jsonl, at most LONGEST points of each."""
  found = {}
  for row in rows[:: max(1, -(-len(rows) // LONGEST))]:
    for name, value in row.items():
      if isinstance(value, (int, float)) and name != "step" and "seconds" not in name:
        found.setdefault(name, []).append([row["step"], value])
  return found


def listed(x) -> list:
  """An array as JSON, to four digits; what is not finite is 0."""
  x = np.nan_to_num(np.asarray(x, np.float64), nan=0, posinf=0, neginf=0)
  return (
    [[float(f"{v:.4g}") for v in row] for row in x]
    if x.ndim == 2
    else [float(f"{v:.4g}") for v in x]
  )
