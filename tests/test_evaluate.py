"""Evaluation: means over examples and passes, ratios of sums, measures of the whole set."""

import itertools
import json

import jax
import numpy as np
import pytest

from genjax_zoo import evaluate as evaluation
from genjax_zoo.core import Field, Model
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.loader import test_loader as loader_of
from genjax_zoo.evaluate import (
  bits_per_dim,
  curve,
  evaluate,
  log_prob_line,
  mean_and_error,
  per_example,
  summary,
  training_cost,
)
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
  deviations = [np.sqrt(200) * found["likelihood"]["standard_error"] for found in (one, many)]
  np.testing.assert_allclose(deviations, [np.hypot(10, 1), np.hypot(2, 1)], rtol=0.2)
  assert abs(many["likelihood"]["nats"] - x.mean()) < 4 * 10 / np.sqrt(25 * 200)


def measured(metrics, x, **functions):
  """The evaluation of a model whose metrics are functions of x [B, ...], in padded batches."""
  dataset = Dataset("table", {"x": Field(x.shape[1:], np.float32)}, {"test": {"x": x}})
  found = lambda params, state, batch, key: metrics(batch["x"])
  loader = loader_of(dataset, "test", batch=48, devices=4)
  return evaluate(Model(None, evaluate=found, **functions), {}, {}, loader, make_mesh(), repeats=2)


def test_passes_that_end_early_are_of_the_examples_that_all_of_them_saw():
  """The second pass is cut after two blocks of 48, the first after three: 96 examples count."""
  x = np.arange(200, dtype=np.float32)[:, None]
  dataset = Dataset("table", {"x": Field((1,), np.float32)}, {"test": {"x": x}})
  found = lambda params, state, batch, key: {"x": batch["x"][:, 0]}
  lengths = iter((3, 2))
  rows = per_example(
    found,
    {},
    {},
    loader_of(dataset, "test", batch=48, devices=4),
    make_mesh(),
    jax.random.key(0),
    lambda blocks: itertools.islice(blocks, next(lengths)),
    repeats=2,
  )
  np.testing.assert_array_equal(rows["x"], np.arange(96))


def test_a_pair_is_a_ratio_of_sums_over_all_examples():
  rng = np.random.default_rng(0)
  x = np.stack([rng.normal(5, 1, 101), rng.uniform(1, 9, 101)], 1).astype(np.float32)
  found = measured(lambda x: {"bits": (x[:, 0], x[:, 1]), "plain": x[:, 0]}, x)
  assert found["examples"] == 101
  np.testing.assert_allclose(found["metrics"]["bits"], x[:, 0].sum() / x[:, 1].sum(), rtol=1e-5)
  np.testing.assert_allclose(found["metrics"]["plain"], x[:, 0].mean(), rtol=1e-5)


def test_the_error_of_a_ratio_is_that_of_many_repetitions():
  rng = np.random.default_rng(0)
  b = rng.integers(5, 50, (2000, 400)).astype(float)
  a = 3 * b + rng.normal(0, 4, b.shape)
  found = np.array([mean_and_error((a[i], b[i])) for i in range(len(a))])
  np.testing.assert_allclose(found[:, 1].mean(), found[:, 0].std(), rtol=0.05)
  # Of a denominator that is the same for all, it is that of a mean.
  ones = np.full(400, 2.0)
  np.testing.assert_allclose(mean_and_error((2 * a[0], ones)), mean_and_error(a[0]), rtol=1e-9)
  # What was not measured doesn't count.
  a[0, 7] = np.nan
  expected = mean_and_error((np.delete(a[0], 7), np.delete(b[0], 7)))
  assert mean_and_error((a[0], b[0])) == expected


def test_a_summary_has_all_rows_and_vectors_have_no_mean():
  x = np.arange(2 * 101).reshape(101, 2).astype(np.float32)
  metrics = lambda x: {"code": x.astype(np.int32), "first": x[:, 0]}

  def summary(rows):
    np.testing.assert_array_equal(rows["code"], x)
    return {"codes": len(np.unique(rows["code"])), "most": rows["first"].max()}

  found = measured(metrics, x, summary=summary)
  assert found["metrics"] == {"first": 100.0, "codes": 202.0, "most": 200.0}
  assert found["standard_errors"].keys() == {"first"}


P = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4], [0.02, 0.08, 0.5, 0.4]])  # p(x | label).
LABELS = {"x": Field((), np.int32, 4), "label": Field((), np.int32, 3)}


def table_model(kind, noise=0.0, given=("label",)):
  """A model with the log p(x | label) of the table P; as a bound, `noise` below it on average."""

  def log_prob(params, state, batch, key):
    log_p = np.log(P).astype(np.float32)
    eps = jax.random.normal(key, batch["x"].shape)
    return jax.numpy.asarray(log_p)[batch["label"], batch["x"]] + noise * (eps - 1)

  conditions = {name: LABELS[name] for name in given}
  return Model(None, log_prob=log_prob, likelihood={"table": kind}, given=conditions)


def likelihood_of(model):
  """(the likelihood of 3,000 examples, their exact log p(x), their labels and values)."""
  rng = np.random.default_rng(0)
  label = rng.integers(3, size=3000).astype(np.int32)
  x = np.array([rng.choice(4, p=P[y]) for y in label], np.int32)
  dataset = Dataset("table", LABELS, {"test": {"x": x, "label": label}})
  loader = loader_of(dataset, "test", batch=400, devices=4)
  found = evaluate(model, {}, {}, loader, make_mesh())["likelihood"]
  return found, np.log(P.mean(0))[x].mean(), np.log(P)[label, x].mean()


def test_a_likelihood_says_what_it_is_conditioned_on_and_has_the_exact_marginal():
  found, exact, conditional = likelihood_of(table_model("exact"))
  assert found["given"] == ["label"] and found["nats"] == pytest.approx(conditional, abs=1e-5)
  marginal = found["marginal"]
  assert marginal["nats"] == pytest.approx(exact, abs=1e-5) and marginal["kind"] == "exact"
  assert marginal["given"] == [] and marginal["prior"] == "uniform"
  # What the label is worth: 0.27 nats of mutual information, log 3 at most.
  assert 0.2 < found["nats"] - marginal["nats"] < np.log(3)


@pytest.mark.parametrize("kind, noise", [("lower_bound", 0.0), ("lower_bound", 2.0)])
def test_the_marginal_of_a_bound_is_a_bound_whatever_its_noise(kind, noise):
  found, exact, _ = likelihood_of(table_model(kind, noise))
  marginal = found["marginal"]
  assert marginal["kind"] == kind
  assert marginal["nats"] == pytest.approx(found["nats"] - np.log(3), abs=1e-5)
  assert marginal["nats"] < exact


def test_the_marginal_of_many_classes_is_bounded_and_not_summed(monkeypatch):
  monkeypatch.setattr(evaluation, "CLASSES", 2)
  found, exact, conditional = likelihood_of(table_model("exact"))
  assert found["kind"] == "exact" and found["marginal"]["kind"] == "lower_bound"
  assert found["marginal"]["nats"] == pytest.approx(conditional - np.log(3), abs=1e-5)
  assert found["marginal"]["nats"] < exact


def test_an_unconditional_likelihood_has_no_marginal():
  found, _, _ = likelihood_of(table_model("exact", given=()))
  assert found["given"] == [] and found["marginal"] is None
  found, _, _ = likelihood_of(table_model("exact", given=("label", "x")))
  assert found["given"] == ["label", "x"] and found["marginal"] is None


def test_the_line_of_a_conditional_likelihood_says_so():
  found, _, _ = likelihood_of(table_model("exact"))
  for part in (found, found["marginal"]):
    part["bits_per_dim"] = 0.5
  assert log_prob_line(found).startswith("log p(x | label) = ")
  sampling = {"seconds_per_image": 0.01, "network_evaluations": None}
  line = summary({"likelihood": found, "sampling": sampling})
  assert ", log p(x) = " in line and line.endswith("100 samples/s")


def test_the_line_of_point_clouds_has_their_own_measure():
  quality = {"one_nearest_neighbour": 0.75, "samples": 100, "features": "clouds"}
  assert summary({"quality": quality}) == "1-NNA 0.75 of 100 samples, by clouds"


def test_seconds_of_training_are_with_earlier_stages(tmp_path):
  stage, missing = tmp_path / "stage", tmp_path / "missing"
  stage.mkdir()
  (stage / "training.json").write_text('{"seconds": 4.0}')
  row = {"step": 10, "seconds": 3.0, "compile_seconds": 1.0, "steps_per_second": 5.0}
  (tmp_path / "metrics.jsonl").write_text(json.dumps(row) + "\n")
  cost = training_cost(tmp_path, 2, [stage, missing])
  assert (cost["seconds"], cost["examples_per_second"], cost["compile_seconds"]) == (7.0, 10.0, 1.0)


def test_the_curve_of_training_is_of_its_losses():
  row = lambda step, **values: {"step": step, "steps_per_second": 5.0, **values}
  rows = [row(i, loss=i / 3, kl_loss=0.0, accuracy=1.0) for i in range(1, 62)]
  rows.insert(3, {"step": 3, "fid": 2.0})
  found = curve(rows)
  assert found.keys() == {"step", "loss"}
  assert found["step"] == [1, 4, *range(7, 62, 3)]
  assert found["loss"][:2] == [0.3333, 1.333]
  game = [row(1, gen_loss=0.0, critic_loss=2.0, distance=3.0), row(2, critic_loss=None)]
  assert curve(game[:1]) == {"step": [1], "gen_loss": [0.0], "critic_loss": [2.0]}
  assert curve([game[0], game[1]])["critic_loss"] == [2.0, None]


def test_bits_a_dimension_of_a_uniform_distribution():
  """Of 3 x 2 pixels with 8 values each: 3 bits a dimension; a density of real numbers has none."""
  fields = {"image": Field((3, 2, 1), np.uint8, 8), "label": Field((), np.int32, 10)}
  np.testing.assert_allclose(bits_per_dim(-6 * np.log(8), fields), 3)
  assert bits_per_dim(-1.0, {"x": Field((2,), np.float32)}) is None
  ragged = {
    "vertices": Field((5, 3), np.int32, 64, kind="mesh"),
    "vertices_mask": Field((5,), bool, 2),
  }
  assert bits_per_dim(-1.0, ragged) is None
