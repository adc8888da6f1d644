"""What a run does along its training, by the key of the config's `train` that says how often."""

import jax
import numpy as np

from genjax_zoo import data as datasets
from genjax_zoo.core import UserError
from genjax_zoo.data.loader import test_loader
from genjax_zoo.figures import pictures
from genjax_zoo.metrics import quality
from genjax_zoo.metrics.features import choose
from genjax_zoo.metrics.frechet import fid
from genjax_zoo.run import Run
from genjax_zoo.sample import sample_options, sampler
from genjax_zoo.validate import validation


def hosts() -> dict:
  """What a loader must know of the other processes."""
  return {
    "process_index": jax.process_index(),
    "process_count": jax.process_count(),
    "devices": jax.device_count(),
  }


def given_rows(model, dataset, n) -> dict:
  """What sampling is given of the test set, n rows."""
  rows = (
    quality.examples(dataset, "test", np.arange(n) % datasets.count(dataset.splits["test"]))
    if model.given
    else {}
  )
  return {k: rows[k] for k in model.given}


def sample_hook(config, dataset, model, mesh, folder, log):
  """`f(step, ts)` that draws from the same noise each time and writes samples/step_0000500.png."""
  n, key = config["sample"]["n"], jax.random.key(config["sample"]["seed"])
  draw = sampler(model, mesh, n, **sample_options(config))

  def hook(step, ts):
    picture = pictures.show(
      draw(ts.weights, ts.state, key, given_rows(model, dataset, n)), dataset.fields
    )
    if jax.process_index() == 0 and picture is not None:
      pictures.save(folder / "samples" / f"step_{step:07d}.png", picture)
      log.image(step, "samples", picture)

  return hook


def fid_hook(config, dataset, model, mesh, folder, log):
  """`f(step, ts)` that adds the FID of evaluate.samples samples to the curves: a GAN's losses tell
  little of it.
  """
  split, n, options = *(config["evaluate"][k] for k in ("split", "samples")), sample_options(config)
  see = choose(config["evaluate"]["features"], dataset.name, dataset.fields)
  if see is None or not n:
    raise UserError(
      "train.fid_every needs evaluate.samples, and evaluate.features=inception:PATH for these data"
    )
  real = quality.reference(dataset, see, split)[: quality.REFERENCE]

  def hook(step, ts):
    run = Run(model, ts.weights, ts.state, config, dataset.fields, step, folder, mesh)
    log.measured(
      step,
      {"fid": fid(real, see.extract(quality.draw(run, dataset, n, split=split, **options))[0])},
    )

  return hook


def validate_hook(config, dataset, model, mesh, folder, log):
  """`f(step, ts)` that adds the loss on the split "validation" to the curves, and keeps the best
  weights.
  """
  if model.evaluate is None or "validation" not in dataset.splits:
    lacks = (
      "the model has no loss to evaluate"
      if model.evaluate is None
      else "set data.validation examples apart"
    )
    raise UserError(f"train.validate_every wants a loss and a split 'validation': {lacks}")
  feed = dict(batch=config["evaluate"]["batch"], examples=config["evaluate"]["examples"] or None)
  data = test_loader(dataset, "validation", **feed, **hosts())
  return validation(model, data, mesh, folder, log)


HOOKS = {"sample_every": sample_hook, "fid_every": fid_hook, "validate_every": validate_hook}
