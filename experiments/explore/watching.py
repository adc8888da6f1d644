"""Training, watched: the page shows curves, samples from fixed noise, and a switch to pause.

A thread of its own makes the pictures, from copies of the weights, while the next steps run. It
works only while a page looks on, and rests thereafter for RESTS times as long as it worked.
"""

import contextlib
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

RESTS = 40  # So that a training is slower by less than 3 percent.
LOOKING = 5.0  # Seconds for which a page that has asked counts as looking.
POINTS = 400  # In the plane.
CELLS = 40  # Along an edge of a map of the plane.
LONGEST = 300  # The most points of a curve.
SAMPLES = 16


class Watching:
  """The trainings of one command, one after the other, as the page sees them."""

  def __init__(self):
    self.asked = -np.inf  # When a page last asked.
    self.paused = threading.Event()
    self.wanted = threading.Event()
    self.copied = threading.Event()
    self.run = None
    self.state = {"step": 0, "steps": 0, "ended": False, "shown": None}

  def hook(self, config, dataset: Dataset, model, mesh, folder, log):
    """`f(step, ts)` for a training that begins, called after each dispatch."""
    self.run = Run(model, {}, {}, config, dataset.fields, 0, folder, mesh)
    self.dataset = dataset
    self.state = {
      "name": config["name"],
      "step": 0,
      "steps": config["train"]["steps"],
      "ended": False,
      "shown": None,
    }
    threading.Thread(target=self.draw, args=(self.run,), daemon=True).start()

    def after(step, ts):
      self.state["step"] = step
      self.state["ended"] = step >= config["train"]["steps"]
      if self.wanted.is_set():
        self.wanted.clear()
        weights, state = jax.device_get((ts.weights, ts.state))
        self.copy = self.run._replace(weights=weights, state=state, step=step)
        self.copied.set()
      log.last_time += self.wait()

    return after

  def wait(self) -> float:
    """Waits while the page has paused the training, or until a signal; returns the seconds."""
    begun = time.perf_counter()
    # The loop's handler gives way to the one before it when the signal comes.
    handler = signal.getsignal(signal.SIGINT)
    while self.paused.is_set() and signal.getsignal(signal.SIGINT) == handler:
      time.sleep(0.05)
    return time.perf_counter() - begun

  def draw(self, run: Run):
    """Shows the newest weights of a training, again and again, until another one begins."""
    while self.run is run:
      if time.monotonic() - self.asked > LOOKING:
        time.sleep(0.1)
        continue
      self.wanted.set()
      if not self.copied.wait(timeout=1.0):
        continue
      self.copied.clear()
      begun = time.thread_time()
      with contextlib.suppress(Exception):  # A picture is not worth a training.
        self.state["shown"] = {"step": self.copy.step} | self.shown(self.copy)
      time.sleep(RESTS * (time.thread_time() - begun))

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
    self.asked = time.monotonic()
    rows = read_rows(self.run.folder / "metrics.jsonl") if self.run else []
    return self.state | {"paused": self.paused.is_set(), "curves": curves(rows)}


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
