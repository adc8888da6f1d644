"""The weights with the least validation loss are the ones evaluated, also after a resume."""

import chex
import jax
import numpy as np
import pytest

from experiments import pipeline, resolve
from genjax_zoo import UserError, data, load, loop
from genjax_zoo.data.loader import test_loader as held_out, train_loader
from genjax_zoo.evaluate import per_example
from genjax_zoo.log import Log, read_json, read_rows
from genjax_zoo.sharding import make_mesh
from genjax_zoo.validate import best, validation
from tests import toy

DIGITS = data.load("digits", validation=200)


def test_examples_are_set_apart_once():
  everything = data.load("digits").splits
  assert {k: len(x["image"]) for k, x in DIGITS.splits.items()} == {
    "train": 1300,
    "validation": 200,
    "test": 297,
  }
  parts = np.concatenate([DIGITS.splits[k]["image"] for k in ("train", "validation")])
  parts = parts.reshape(1500, -1)
  whole = everything["train"]["image"].reshape(1500, -1)
  np.testing.assert_array_equal(parts[np.lexsort(parts.T)], whole[np.lexsort(whole.T)])
  np.testing.assert_array_equal(DIGITS.splits["test"]["image"], everything["test"]["image"])
  assert len(data.load("digits", validation=0.2).splits["validation"]["image"]) == 300
  for wrong in (1500, -3, 1e-6):
    with pytest.raises(UserError, match="1,500 training examples"):
      data.load("digits", validation=wrong)


def test_the_best_weights_are_kept_and_found_again(tmp_path):
  learner, mesh = toy.learner(DIGITS.fields), make_mesh()
  feed = dict(devices=jax.device_count())
  loader = train_loader(DIGITS, batch=32, steps_per_dispatch=5, seed=0, **feed)
  apart = held_out(DIGITS, "validation", batch=100, **feed)
  validated = []

  def hook(step, ts):
    """Three validations: of the weights, of worse ones, and of the weights again."""
    keep = validation(learner.model, apart, mesh, tmp_path, log)
    worse = jax.tree.map(lambda x: 10 * x, ts.params)
    for weights in ts.weights, worse, ts.weights:
      keep(step, ts.replace(params=weights, ema={}))
    loss = per_example(
      learner.model.evaluate, ts.weights, ts.state, apart, mesh, jax.random.key(0)
    )["loss"].mean()
    validated.append((float(loss), step, jax.device_get(ts.weights)))

  options = dict(
    steps_per_dispatch=5, log_every=5, save_every=5, hooks={"validate_every": (5, hook)}
  )
  for steps in 10, 20:  # The second resumes the first.
    with Log(tmp_path) as log:
      ts = loop.train(learner, loader, log, workdir=tmp_path, steps=steps, **options)
  loss, step, weights = min(validated, key=lambda row: row[:2])
  losses = [
    row["validation_loss"]
    for row in read_rows(tmp_path / "metrics.jsonl")
    if "validation_loss" in row
  ]
  np.testing.assert_allclose(losses[::3], [row[0] for row in validated], rtol=1e-5)
  assert len(validated) == 4 and read_json(tmp_path / "validation.json") == {
    "step": step,
    "loss": pytest.approx(loss),
  }
  with jax.set_mesh(mesh):
    found = best(tmp_path, ts)
  chex.assert_trees_all_equal(jax.device_get(found.weights), weights)
  assert found.step == 20


def test_a_validated_run_loads_its_best_weights_and_validation_needs_data(tmp_path):
  config = resolve.resolve("configs/vae_digits.py:smoke")
  config.train.validate_every = 1
  with pytest.raises(UserError, match=r"data\.validation"), Log(tmp_path / "none") as log:
    pipeline.fit(config.to_dict(), tmp_path / "none", pipeline.load_data(config), {}, log)
  config.data.validation = 100
  with Log(tmp_path) as log:
    run = pipeline.fit(config.to_dict(), tmp_path, pipeline.load_data(config), {}, log)
  assert read_json(tmp_path / "validation.json")["step"] in (1, 2)
  chex.assert_trees_all_equal(jax.device_get(load(tmp_path).weights), jax.device_get(run.weights))
