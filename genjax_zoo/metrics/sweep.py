"""Quality against time: a run's samples by several options of sampling, measured alike.

"sweep" in evaluation.json is a list of rows. Options come first; seconds are those of a sample:

  {"steps": 8, "sampler": "ddim", "calls": 8, "seconds": 0.002, "samples": 500, "fid": 0.12, ...}
"""

from collections.abc import Callable, Mapping, Sequence
import inspect
import itertools
import time

from genjax_zoo import inputs
from genjax_zoo.core import Model, UserError
from genjax_zoo.data import Dataset
from genjax_zoo.data.dataset import kind_of
from genjax_zoo.metrics import clouds, quality
from genjax_zoo.metrics.features import Features
from genjax_zoo.metrics.frechet import fid
from genjax_zoo.metrics.judged import conditions_of, means
from genjax_zoo.metrics.prdc import prdc
from genjax_zoo.run import Run
from genjax_zoo.sample import sampler

STEPS = 1, 2, 4, 8, 16, 32  # Those that are tried where none are asked for.
BATCHES = 4  # The fewest batches of samples: the first is compiled, and not timed.


def swept(config: Mapping) -> dict:
  """{option of `sample`: values to try} of a config's `evaluate.sweep`."""
  section = config["evaluate"].get("sweep", {})  # Runs from before there were sweeps have none.
  return {k: v for k, v in section.items() if k != "samples"}


def choices(model: Model, own: Mapping, tried: Mapping[str, Sequence]) -> list[dict]:
  """The options of a sweep: a run's `own`, then all combinations of those `tried`, each once.

  Where the network calls depend on steps, and none are `tried`, these are those of STEPS that the
  model can take. Raises UserError for an option, or a value, that the model doesn't take.
  """
  known = inspect.signature(model.sample).parameters
  own = {k: known[k].default for k in ("steps", "sampler") if k in known} | own
  for name, values in tried.items():
    if not isinstance(values, (tuple, list)):
      raise UserError(f"evaluate.sweep.{name}={values!r}: it must be a list of values")
  found = [own | dict(zip(tried, values)) for values in itertools.product(*tried.values())]
  for options in found:
    try:
      calls(model, options)
    except UserError as e:
      raise UserError(f"evaluate.sweep: {e}") from None
  if "steps" not in tried:
    found = [stepped for options in found for stepped in by_steps(model, options)]
  found = [own, *found]
  return [options for i, options in enumerate(found) if options not in found[:i]]


def by_steps(model: Model, options: Mapping) -> list[dict]:
  """Options with each of STEPS that the model can take; as they are if its calls depend on none."""
  found = {}
  for steps in STEPS:
    try:
      found[steps] = calls(model, options | {"steps": steps})
    except UserError:  # There are fewer levels of noise, or no steps at all.
      pass
  depends = len(set(found.values())) > 1
  return [options | {"steps": steps} for steps in found] if depends else [dict(options)]


def calls(model: Model, options: Mapping) -> int | None:
  """The network calls of a sample; None if they aren't known before.

  Raises UserError for options that the model doesn't take.
  """
  return model.calls(**inputs.options("sample", options, model.sample))


def sweep(
  run: Run,
  dataset: Dataset,
  tried: Sequence[Mapping],
  n: int,
  features: Features | None,
  split: str = "test",
  progress=iter,
) -> list[dict]:
  """Rows of what n samples by each of the options `tried` are like, and of what a sample takes.

  They have the judgements of the data set's own judge and, where there are features, the distance
  from a split. Raises UserError where that has too few samples.
  """
  real = features and quality.reference(dataset, features, split)[: quality.REFERENCE]
  rows = []
  for options in progress(tried):
    samples, seconds = timed_samples(run, dataset, n, split, options)
    row = dict(options) | {"calls": calls(run.model, options), "seconds": seconds, "samples": n}
    if dataset.judge:
      row |= means(dataset.judge(samples, conditions_of(samples, run.model.given)))
    if features:
      row |= likeness(real, samples, dataset, features)
    rows.append(row)
  return rows


def options_of(row: Mapping) -> dict:
  """The options of a row of a sweep: what stands before "calls"."""
  return dict(itertools.takewhile(lambda entry: entry[0] != "calls", row.items()))


def timed_samples(run: Run, dataset: Dataset, n: int, split: str, options: Mapping) -> tuple:
  """(n samples, seconds a sample): those of the fastest batch but the first, which is compiled."""
  batch = min(quality.BATCH, -(-n // BATCHES))
  sample, seconds = clocked(sampler(run.model, run.mesh, batch, **options))
  samples = quality.drawn(sample, run, dataset, n, batch, split)
  return samples, min(seconds[1:]) / batch


def clocked(f: Callable) -> tuple[Callable, list[float]]:
  """(f, the seconds of each call of it so far)."""
  seconds = []

  def timed(*args):
    begun = time.perf_counter()
    found = f(*args)
    seconds.append(time.perf_counter() - begun)
    return found

  return timed, seconds


def likeness(real, samples: Mapping, dataset: Dataset, features: Features) -> dict:
  """The distance of samples from features `real`, and the agreement with their labels, if any."""
  fake, classes = features.extract(samples)
  if kind_of(dataset.fields[features.entry]) == "points":
    return clouds.compare(real, fake)
  found = {"fid": fid(real, fake)} | prdc(real, fake)
  if classes is not None and classes.ndim == 2:
    found |= quality.class_quality(classes, samples, dataset.truth)
  return found
