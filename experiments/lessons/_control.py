"""The rows of the table of control, and what is measured of each."""

from pathlib import Path
import time
from typing import NamedTuple

import jax
import numpy as np

from experiments.lessons._runs import measured, trained_in
from genjax_zoo.evaluate import parameters
from genjax_zoo.metrics.quality import draw
from genjax_zoo.run import Run
from genjax_zoo.sample import sampler

EDIT = "representation_tuning_reviews"
PPLM = {"kl_weight": 0.2, "steps": 3}
VECTOR = {"model.edit": "vector", "optimizer.learning_rate": 0.1}
DIFFERENCE = {"model.edit": "difference", "train.steps": 0, "data.batch": 2000}


class Point(NamedTuple):
  """A method at one strength: the config of its run with changes, and options of its `sample`."""

  strength: str
  config: str
  changes: dict = {}
  options: dict = {}


def sizes(config: str, key: str, values) -> list[Point]:
  """A run for each size."""
  return [Point(f"{value}", config, {key: value}) for value in values]


def strengths(config: str, option: str, values, changes={}, others={}) -> list[Point]:
  """One run, sampled at several strengths."""
  return [Point(f"{value:g}", config, changes, {option: value} | others) for value in values]


LANGUAGE = "language_model_reviews"
SENTENCES = {
  "nothing": [Point("", LANGUAGE)],
  "control token, guided": strengths("language_model_labels_reviews", "scale", (1.0, 1.5, 3.0)),
  "prompt, vectors": sizes("prompt_tuning_reviews", "model.prompt", (1, 5, 20)),
  "prefix, vectors": sizes("prefix_tuning_reviews", "model.prefix", (1, 5, 20)),
  "difference of means": strengths(EDIT, "strength", (10.0, 30.0, 100.0), DIFFERENCE),
  "learned vector": strengths(EDIT, "strength", (0.5, 1.0, 2.0), VECTOR),
  "low-rank edit, rank": sizes(EDIT, "model.rank", (1, 2, 4)),
  "classifier gradients": strengths(
    "plug_and_play_reviews", "strength", (300.0, 1000.0, 3000.0), others=PPLM
  ),
  "controlled VAE": strengths("controlled_vae_reviews", "strength", (0.5, 1.0, 1.5)),
}
IMAGES = {
  "nothing": [Point("", "ddpm_digits", {}, {"sampler": "ddim", "steps": 50})],
  "label, guided": strengths(
    "ddpm_labels_digits", "scale", (1.0, 1.5, 3.0), others={"sampler": "dpm_solver", "steps": 20}
  ),
  "classifier gradients": strengths(
    "classifier_guidance_digits", "scale", (1.0, 2.0, 4.0), others={"steps": 30}
  ),
  "prompt, vectors": sizes("prompt_tuning_digits", "model.prompt", (1, 5, 20)),
  "low-rank edit, strength": strengths(
    "representation_tuning_digits",
    "strength",
    (0.5, 1.0, 1.5),
    others={"sampler": "ddim", "steps": 50},
  ),
  "conditional VAE, temperature": strengths("cvae_digits", "temperature", (1.0, 0.8, 0.6)),
}


def run_of(folder: Path, point: Point, seed: int, smoke: bool):
  """(the run of a point, its data), trained with its stages in `folder` where it is not there."""
  changed = "_".join(f"{key.split('.')[-1]}_{value}" for key, value in point.changes.items())
  seeded = {"train.seed": seed} | point.changes
  if point.config.endswith("_tuning_reviews") or point.config == "plug_and_play_reviews":
    seeded |= {"stages.first.train.seed": seed}
  name = f"{point.config}_{changed}" if changed else point.config
  return trained_in(folder / name, point.config, smoke, **seeded)


def seconds_a_sample(run: Run, n: int, given, options) -> float:
  """The time of a sample in a batch of n, compiled before."""
  draw_n = sampler(run.model, run.mesh, n, **options)
  for seed in (0, 1):
    begun = time.perf_counter()
    draw_n(run.weights, run.state, jax.random.key(seed), given)
  return (time.perf_counter() - begun) / n


def measure_sentences(run: Run, dataset, options, n: int, judge: Run) -> dict:
  """What is measured of n sentences, half of them asked for in each style.

  "nll" is the mean of -log p, nats, under the language model `judge`, which has no style.
  """
  label = np.arange(n, dtype=np.int32) % 2
  given = {"label": label} if "label" in run.model.given else {}
  samples = run.sample(n, given=given, **options)
  found = {k: float(x.mean()) for k, x in dataset.judge(samples, {"label": label}).items()}
  return found | {
    "nll": -float(judge.log_prob(samples).mean()),
    "distinct": len(np.unique(samples["tokens"], axis=0)) / n,
    "parameters": parameters(run.weights),
    "seconds a sample": seconds_a_sample(run, n, given, options),
  }


def measure_images(run: Run, dataset, options, n: int) -> dict:
  """The agreement of n images with their labels, as a classifier sees it, and their quality."""
  label = dataset.splits["test"]["label"]
  samples = draw(run, dataset, n, **options)
  # Of a model that is given nothing: labels that it does not know.
  samples = {"label": label[np.arange(n) % len(label)]} | samples
  found = measured(samples, dataset)
  given = {"label": samples["label"]} if "label" in run.model.given else {}
  return {k: found[k] for k in ("agreement", "fid", "precision", "recall")} | {
    "parameters": parameters(run.weights),
    "seconds a sample": seconds_a_sample(run, n, given, options),
  }


def transfer(run: Run, dataset) -> dict:
  """What the controlled VAE's transfers of test sentences to the other style are."""
  test = dataset.splits["test"]
  latents = run.encode(test)
  other = run.decode(latents | {"label": 1 - test["label"]})
  found = dataset.judge(other, {k: test[k] for k in ("tokens", "label")})
  return {k: float(x.mean()) for k, x in found.items()}
