"""The contract's own mathematics: one step, accumulation, averages, schedules, many steps a
dispatch.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import (
  Field,
  Model,
  average,
  descend,
  mean_metrics,
  minimize,
  nearest,
  observed,
  split,
  start,
  unroll,
)


def quadratic(params, state, batch, key, train, scale=1.0):
  error = scale * ((batch["x"] @ params["w"] - batch["y"]) ** 2)
  return error, ({"mean": batch["x"].mean(0)}, {"error": error})


def mean_loss(params, batch, key):
  return quadratic(params, {}, batch, key, train=True)


@pytest.fixture
def problem():
  rng = np.random.default_rng(0)
  batch = {"x": rng.normal(size=(12, 3)).astype("f4"), "y": rng.normal(size=12).astype("f4")}
  return {"w": jnp.ones(3)}, batch


def test_minimize_is_one_step_on_the_mean(problem):
  params, batch = problem
  tx = optax.sgd(0.1)
  new, _, loss, _ = minimize(mean_loss, tx, params, tx.init(params), batch, jax.random.key(0))
  residual = batch["x"] @ np.ones(3, "f4") - batch["y"]
  np.testing.assert_allclose(loss, (residual**2).mean(), rtol=1e-6)
  np.testing.assert_allclose(
    new["w"], 1 - 0.1 * 2 * (residual[:, None] * batch["x"]).mean(0), rtol=1e-5
  )


@pytest.mark.parametrize("n", [2, 3, 4])
def test_accumulation_equals_the_whole_batch(problem, n):
  params, batch = problem
  tx = optax.adam(0.1)
  args = mean_loss, tx, params, tx.init(params), batch, jax.random.key(0)
  whole, parts = minimize(*args), minimize(*args, accumulate=n)
  chex.assert_trees_all_close(whole[:3], parts[:3], rtol=1e-5)
  chex.assert_trees_all_close(whole[3][0], parts[3][0], rtol=1e-5)
  chex.assert_trees_all_close(
    jax.tree.map(jnp.mean, whole[3][1]), jax.tree.map(jnp.mean, parts[3][1]), rtol=1e-5
  )


def test_split_takes_the_minor_axis():
  parts = split({"x": jnp.arange(12).reshape(6, 2)}, 3)["x"]
  np.testing.assert_array_equal(parts[1], [[2, 3], [8, 9]])


def test_average_warms_up_then_decays():
  params, ema = {"g": jnp.array(1.0), "d": jnp.array(5.0)}, {"g": jnp.array(0.0)}
  np.testing.assert_allclose(average(ema, params, 0, 0.999)["g"], 0.9, rtol=1e-6)
  np.testing.assert_allclose(average(ema, params, 10**6, 0.9)["g"], 0.1, rtol=1e-5)
  assert set(average(ema, params, 0, 0.9)) == {"g"}


def test_descend_keeps_the_state_a_loss_leaves_alone_and_logs_schedules(problem):
  params, batch = problem
  model = Model(lambda key, batch: (params, {"mean": jnp.zeros(3), "kept": jnp.ones(2)}), quadratic)
  learner = descend(model, optax.sgd(0.1), 0.5, {"scale": optax.linear_schedule(0.0, 1.0, 4)})
  ts = learner.init(jax.random.key(0), batch)
  before = ts.params
  for i in range(3):
    ts, metrics = learner.step(ts, batch, jax.random.key(i))
    np.testing.assert_allclose(metrics["scale"], i / 4)
  np.testing.assert_allclose(ts.state["mean"], batch["x"].mean(0), rtol=1e-6)
  np.testing.assert_allclose(ts.state["kept"], 1.0)
  assert int(ts.step) == 3 and not np.allclose(ts.params["w"], before["w"])
  assert not np.allclose(ts.weights["w"], ts.params["w"])
  evaluated = learner.model.evaluate(ts.weights, ts.state, batch, jax.random.key(0))
  chex.assert_shape([evaluated["loss"], evaluated["error"]], (12,))


def test_unroll_gives_each_step_its_own_key_by_number():
  def step(ts, batch, key):
    return ts.replace(step=ts.step + 1), {"draw": jax.random.uniform(key)}

  ts, key = start({}, {}), jax.random.key(3)
  at_once, draws = unroll(step, key, 4)(ts, {})
  in_two, first = unroll(step, key, 2)(ts, {})
  _, second = unroll(step, key, 2)(in_two, {})
  assert int(at_once.step) == 4
  np.testing.assert_array_equal(draws["draw"], np.concatenate([first["draw"], second["draw"]]))
  assert len(np.unique(draws["draw"])) == 4


def test_nearest_names_the_known():
  assert nearest("lerning_rate", ["learning_rate", "b1"]) == ", did you mean 'learning_rate'?"
  assert nearest("zzz", ["learning_rate"]) == nearest(0, ["learning_rate"]) == ""


def test_metrics_are_means_and_ratios_of_sums():
  bits, vertices = jnp.array([2.0, 6.0]), jnp.array([1.0, 4.0])
  lazy = jnp.array([1.0, jnp.nan])
  found = mean_metrics({"error": bits, "bits_per_vertex": (bits, vertices), "lazy": lazy})
  assert found["error"] == 4 and jnp.isnan(found["lazy"])
  np.testing.assert_allclose(found["bits_per_vertex"], 8 / 5, rtol=1e-6)
  assert mean_metrics({"lazy": lazy}, jnp.nanmean)["lazy"] == 1


def test_what_a_model_is_given_is_in_the_batch_unless_it_says_how_it_is_made():
  batch = {"image": jnp.ones((3, 2)), "label": jnp.arange(3)}
  model = Model(None, given={"label": Field((), jnp.int32, 3)})
  assert observed(model, {}, {}, batch, None).keys() == {"label"}
  pooled = lambda params, state, batch, key: {"low": batch["image"].mean(-1)}
  model = model._replace(given={"low": Field((), jnp.float32)}, observe=pooled)
  np.testing.assert_array_equal(observed(model, {}, {}, batch, None)["low"], 1)


def test_evaluation_is_of_the_loss_without_training():
  def loss(params, state, batch, key, train):
    return jnp.full(3, 2.0 if train else 1.0), ({}, {"train": jnp.full(3, float(train))})

  evaluate = descend(Model(None, loss), optax.sgd(0.1)).model.evaluate
  found = evaluate({}, {}, {}, jax.random.key(0))
  np.testing.assert_array_equal(found["loss"], 1)
  np.testing.assert_array_equal(found["train"], 0)
