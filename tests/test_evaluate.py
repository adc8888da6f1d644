"""Evaluation is a mean over examples, and over passes of what is random."""

import json

import jax
import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.loader import test_loader as loader_of
from genjax_zoo.evaluate import evaluate, training_cost
from genjax_zoo.sharding import make_mesh


def test_repeats_average_the_noise_and_nothing_else():
  x = np.random.default_rng(0).normal(size=(200, 1)).astype(np.float32)
  dataset = Dataset("normal", {"x": Field((1,), np.float32)}, {"test": {"x": x}})
  noisy = lambda params, state, batch, key: (
    batch["x"][:, 0] + 10 * jax.random.normal(key, (len(batch["x"]),))
  )
  exact = lambda params, state, batch, key: {"x": batch["x"][:, 0]}
  model = Model(None, log_prob=noisy, evaluate=exact, likelihood={"exact": "exact"})
  loader = loader_of(dataset, "test", batch=48, devices=4)
  one, many = (evaluate(model, {}, {}, loader, make_mesh(), repeats=repeats) for repeats in (1, 25))
  assert one["examples"] == many["examples"] == 200 and many["likelihood"]["repeats"] == 25
  np.testing.assert_allclose([one["metrics"]["x"], many["metrics"]["x"]], x.mean(), atol=1e-6)
  spread = [np.sqrt(200) * found["likelihood"]["standard_error"] for found in (one, many)]
  np.testing.assert_allclose(spread, [np.hypot(10, 1), np.hypot(2, 1)], rtol=0.2)
  assert abs(many["likelihood"]["nats"] - x.mean()) < 4 * 10 / np.sqrt(25 * 200)


def test_seconds_of_training_are_with_earlier_stages(tmp_path):
  stage, missing = tmp_path / "stage", tmp_path / "missing"
  stage.mkdir()
  (stage / "training.json").write_text('{"seconds": 4.0}')
  row = {"step": 10, "seconds": 3.0, "compile_seconds": 1.0, "steps_per_second": 5.0}
  (tmp_path / "metrics.jsonl").write_text(json.dumps(row) + "\n")
  cost = training_cost(tmp_path, 2, [stage, missing])
  assert (cost["seconds"], cost["examples_per_second"], cost["compile_seconds"]) == (7.0, 10.0, 1.0)
