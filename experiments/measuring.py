"""What an evaluation measures of a run: on held-out data, and of its samples."""

import math

import jax

from experiments.hooks import hosts
from genjax_zoo import data, evaluate
from genjax_zoo.core import UserError
from genjax_zoo.data.loader import test_loader
from genjax_zoo.metrics import clip, quality
from genjax_zoo.metrics.features import Features
from genjax_zoo.metrics.features.own import chosen
from genjax_zoo.metrics.judged import judged
from genjax_zoo.metrics.kernel import FEWEST
from genjax_zoo.metrics.patches import patches_psnr
from genjax_zoo.metrics.reconstructions import reconstruction_quality, reconstructs
from genjax_zoo.metrics.sweep import choices, sweep, swept
from genjax_zoo.run import Run
from genjax_zoo.sample import sample_options

UNSEEN = "unseen"  # The split of combinations that are left out of training.


def measure(run: Run, dataset, log) -> dict:
  """Metrics and likelihood of a run on the split that the config names."""
  options = run.config["evaluate"]
  loader = test_loader(
    dataset,
    options["split"],
    batch=options["batch"],
    examples=options["examples"] or None,
    **hosts(),
  )
  examples = options["examples"] or data.count(dataset.splits[options["split"]])
  blocks = -(-examples // options["batch"])
  # Hosts that measure their own time would not end a pass at the same block.
  seconds = options["seconds"] if jax.process_count() == 1 else math.inf
  with log.clock("evaluating"):
    found = evaluate.evaluate(
      run.model,
      run.weights,
      run.state,
      loader,
      run.mesh,
      seed=run.config["train"]["seed"],
      repeats=options["repeats"],
      log_prob=options["log_prob"],
      progress=log.bounded(blocks, f"{options['batch']:,} examples", seconds),
    )
  if "likelihood" in found:
    measured = found["likelihood"], found["likelihood"]["marginal"]
    for likelihood in filter(None, measured):
      likelihood |= {
        "bits_per_dim": evaluate.bits_per_dim(likelihood["nats"], dataset.fields),
        "binarization": dataset.binarization,
      }
  return found


def compare_samples(run: Run, dataset, log) -> dict:
  """The "quality" and what is "judged" of a run's samples, as far as they can be measured.

  The log says what can't be.
  """
  options = run.config["evaluate"]
  split = options["split"]
  if not run.model.sample or not options["samples"]:
    return {}
  if "restorations" in run.model.parts:
    log.say("quality is not measured: the model restores images, and samples none")
    return {}
  features = chosen(options["features"], dataset, made(run, dataset))
  missing = lacking(features, data.count(dataset.splits[split]))
  if missing:
    log.say(f"quality is not measured: {missing}")
    if not (dataset.judge or run.model.given):
      return {}
  found = {}
  with log.clock(f"comparing {options['samples']:,} samples"):
    samples = quality.draw(
      run,
      dataset,
      options["samples"],
      split=split,
      progress=log.bounded(-(-options["samples"] // quality.BATCH), f"{quality.BATCH:,} samples"),
      **sample_options(run.config),
    )
    if not missing:
      try:
        found["quality"] = quality.quality(samples, dataset, features, split, progress=log.track)
        found["quality"]["samples_are"] = quality.samples_are(run.model, sample_options(run.config))
      except UserError as e:
        missing = e  # Fewer examples than features, say.
    judgements = judged(samples, dataset, run.model.given, features, split, clip.choose(dataset))
    if judgements:
      found["judged"] = judgements
    if judgements and UNSEEN in dataset.splits:
      found["judged"][UNSEEN] = judge_unseen(run, dataset, features, options["samples"])
  if isinstance(missing, UserError):
    log.say(f"quality is not measured: {missing}")
  return found


def compare_options(run: Run, dataset, log) -> dict:
  """The "sweep" of a run over options of sampling, see metrics/sweep.py; {} if none is asked for.

  The log says why it can't be measured.
  """
  evaluate = run.config["evaluate"]
  n = evaluate.get("sweep", {}).get("samples", 0)
  if not n or not run.model.sample or "restorations" in run.model.parts:
    return {}
  tried = choices(run.model, sample_options(run.config), swept(run.config))
  features = chosen(evaluate["features"], dataset, made(run, dataset))
  with log.clock(f"sampling by each of {len(tried)} options"):
    try:
      rows = sweep(run, dataset, tried, n, features, evaluate["split"], log.track)
    except UserError as missing:  # Fewer samples than features, say.
      log.say(f"the sweep is not measured: {missing}")
      return {}
  return {"sweep": rows}


def made(run: Run, dataset) -> dict:
  """The fields of what a model's samples are, and not of what it is given; else all of them."""
  fields = {k: field for k, field in dataset.fields.items() if k not in run.model.given}
  return fields or dataset.fields


def judge_unseen(run: Run, dataset, features: Features | None, n: int) -> dict:
  """What samples are judged to be, at most n, given combinations that are not in training."""
  n = min(n, data.count(dataset.splits[UNSEEN]))
  samples = quality.draw(run, dataset, n, split=UNSEEN, **sample_options(run.config))
  found = judged(samples, dataset, run.model.given, features, UNSEEN, clip.choose(dataset))
  return found["samples"]


def compare_reconstructions(run: Run, dataset, log) -> dict:
  """The quality of the "reconstructions" of a first stage; {} of other models.

  "patches_psnr" is that of as many codes without a network, see metrics/patches.py.
  """
  if not reconstructs(run.model, dataset):
    return {}
  options = run.config["evaluate"]
  features = chosen(options["features"], dataset, dataset.fields)
  with log.clock("comparing reconstructions"):
    try:
      found = reconstruction_quality(run, dataset, features, options["split"])
    except UserError as missing:  # Fewer examples than features, say.
      log.say(f"FID of reconstructions is not measured: {missing}")
      found = reconstruction_quality(run, dataset, None, options["split"])
    found |= patches_psnr(run.model, dataset, options["split"])
  return {"reconstructions": found}


def lacking(features: Features | None, examples: int) -> str:
  """What is missing to measure quality beside so many test examples; "" if nothing is."""
  if features is None:
    return (
      "there is no feature network for these data; "
      "--config.evaluate.features=inception:PATH names one"
    )
  if examples < FEWEST:
    return f"it needs {FEWEST} test examples, and there are {examples}"
  return ""
