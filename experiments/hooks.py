"""What a run does during training, by the key of the config's `train` that says how often."""

import jax
import numpy as np

from genjax_zoo import inputs
from genjax_zoo.core import UserError
from genjax_zoo.data import count
from genjax_zoo.data.loader import test_loader
from genjax_zoo.figures.kinds import save_shown
from genjax_zoo.metrics import quality
from genjax_zoo.metrics.features.own import chosen
from genjax_zoo.metrics.frechet import fid
from genjax_zoo.run import Run
from genjax_zoo.sample import given_of, sample_options, sampler
from genjax_zoo.validate import validation


def hosts() -> dict:
  """The arguments of a loader that depend on the processes and devices."""
  return {
    "process_index": jax.process_index(),
    "process_count": jax.process_count(),
    "devices": jax.device_count(),
  }


def given_rows(run: Run, dataset, n: int) -> dict:
  """What sampling is given: sample.given of the config and, of what it lacks, n test examples."""
  typed = typed_given(run.config, run.model, dataset.fields, n)
  if run.model.given.keys() <= typed.keys():
    return typed
  rows = np.arange(n) % count(dataset.splits["test"])
  batch = quality.examples(dataset, "test", rows)
  return given_of(run, batch) | typed


def typed_given(config, model, fields, n: int) -> dict:
  """The config's sample.given as n rows. Raises UserError for what the model can't be given."""
  return inputs.rows(config["sample"].get("given", {}), {**fields, **model.given}, n)


def sample_hook(config, dataset, model, mesh, folder, log):
  """`f(step, ts)` that samples with the same key each time and writes samples/step_0000500.png.

  Of videos it writes step_0000500.webp too.
  """
  n = config["sample"]["n"]
  key = jax.random.key(config["sample"]["seed"])
  sample = sampler(model, mesh, n, **sample_options(config))

  def hook(step, ts):
    run = Run(model, ts.weights, ts.state, config, dataset.fields, step, folder, mesh)
    given = given_rows(run, dataset, n)
    batch = sample(ts.weights, ts.state, key, given)
    if jax.process_index() == 0:
      path = folder / "samples" / f"step_{step:07d}.png"
      picture = save_shown(path, given | batch, dict(model.given) | dict(dataset.fields))
      if picture is not None:
        log.image(step, "samples", picture)

  return hook


def fid_hook(config, dataset, model, mesh, folder, log):
  """`f(step, ts)` that logs the FID of evaluate.samples samples.

  The losses of a GAN say little about its samples. Raises UserError where FID can't be measured.
  """
  split = config["evaluate"]["split"]
  n = config["evaluate"]["samples"]
  features = chosen(config["evaluate"]["features"], dataset, dataset.fields)
  if features is None or features.name == "clouds" or not n:
    raise UserError(
      "train.fid_every needs evaluate.samples, and evaluate.features=inception:PATH for these data"
    )
  real = quality.reference(dataset, features, split)[: quality.REFERENCE]

  def hook(step, ts):
    run = Run(model, ts.weights, ts.state, config, dataset.fields, step, folder, mesh)
    samples = quality.draw(run, dataset, n, split=split, **sample_options(config))
    fake, _ = features.extract(samples)
    log.measured(step, {"fid": fid(real, fake)})

  return hook


def validate_hook(config, dataset, model, mesh, folder, log):
  """`f(step, ts)` that logs the loss on the split "validation" and keeps the best weights.

  Raises UserError without a loss or without that split.
  """
  if model.evaluate is None:
    raise UserError("train.validate_every needs a loss to evaluate, and this model has none")
  if "validation" not in dataset.splits:
    raise UserError("train.validate_every needs a split 'validation': set data.validation")
  options = config["evaluate"]
  loader = test_loader(
    dataset,
    "validation",
    batch=options["batch"],
    examples=options["examples"] or None,
    **hosts(),
  )
  return validation(model, loader, mesh, folder, log)


HOOKS = {"sample_every": sample_hook, "fid_every": fid_hook, "validate_every": validate_hook}
