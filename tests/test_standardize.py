"""Units: log p moves by exactly -D log(unit), samples scale, and no model sees the unit."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import resolve
from genjax_zoo.build import build
from genjax_zoo.core import PARTS, Field, Learner, Model
from genjax_zoo.data import load
from genjax_zoo.run import describe, fields_of
from genjax_zoo.standardize import affines, restored, standardized, without_units

N, D = 64, 3
UNITS = 1e-3, 1e-9, 1e-15, 1e9, 1e19
SMALL = {  # A model of a table, with its config's keys.
  "spline_flow": dict(name="spline_flow", depth=2, hidden=(8,), bins=4),
  "maf": dict(name="maf", depth=2, hidden=(8,)),
  "iaf": dict(name="maf", depth=2, hidden=(8,), inverse=True),
  "realnvp": dict(name="realnvp", depth=2, hidden=(8,)),
  "nice": dict(name="nice", couplings=2, hidden=(8,)),
  "cnf": dict(name="cnf", hidden=(8,), steps=2),
  "gmm": dict(name="gmm", components=2),
  "vae": dict(name="vae", latent=2, hidden=(8,), likelihood="gaussian"),
  "score_sde": dict(name="score_sde", network=dict(name="mlp", hidden=(8,))),
  "flow_matching": dict(name="flow_matching", network=dict(name="mlp", hidden=(8,))),
  "ddpm": dict(name="ddpm", network=dict(name="mlp", hidden=(8,))),
  "vdm": dict(name="vdm", network=dict(name="mlp", hidden=(8,))),
  "gan": dict(name="gan", latent=2, hidden=(8,)),
  "wgan": dict(name="wgan", latent=2, hidden=(8,), n_critic=2),
}
QUICK = ("gmm",)
OPTIONS = {"vae": dict(k=4), "score_sde": dict(steps=4), "flow_matching": dict(steps=4)}


def table():
  """Correlated rows with columns of different means and widths, float64 [N, D]."""
  rng = np.random.default_rng(0)
  mix = np.array([[1, 0.5, 0], [0, 1, 0.3], [0, 0, 1.0]])
  return (rng.normal(size=(N, D)) @ mix) * [1.0, 5.0, 0.2] + [0.0, 3.0, -2.0]


def dataset_of(tmp_path, unit):
  np.savez(tmp_path / "table.npz", train_x=table() * unit, test_x=table()[:8] * unit)
  return load(f"npz:{tmp_path / 'table.npz'}")


def trained(model: dict, dataset, steps=3, optimizer="sgd"):
  """(learner, its state after some steps on all rows)."""
  tx = dict(name=optimizer, learning_rate=1e-2)
  players = {"gan": dict(gen=tx, critic=tx), "wgan": dict(gen=tx, critic=tx), "gmm": {}}
  train = dict(steps=steps, ema=0.0, accumulate=1)
  learner = build(
    dict(model=model, optimizer=players.get(model["name"], tx), train=train), dataset.fields
  )
  batch = {"x": jnp.asarray(dataset.splits["train"]["x"]), "weight": jnp.ones(N)}
  ts = jax.jit(learner.init)(jax.random.key(0), batch)
  step = jax.jit(learner.step)
  for i in range(steps):
    ts, _ = step(ts, batch, jax.random.key(i))
  return learner, ts


def measured(name, dataset, optimizer="sgd"):
  """(log p of the test rows or None, samples) of a model after training."""
  learner, ts = trained(SMALL[name], dataset, optimizer=optimizer)
  model, key = learner.model, jax.random.key(7)
  options = {"steps": 4} if "chain" in model.parts else {}
  draw = jax.jit(lambda p, s: model.sample(p, s, key, n=16, **options))
  nats = None
  if model.log_prob:
    rows = {"x": jnp.asarray(dataset.splits["test"]["x"]), "weight": jnp.ones(8)}
    log_prob = jax.jit(lambda p, s: model.log_prob(p, s, rows, key, **OPTIONS.get(name, {})))
    nats = np.asarray(log_prob(ts.weights, ts.state), np.float64)
  return nats, np.asarray(draw(ts.weights, ts.state)["x"], np.float64)


@pytest.mark.parametrize(
  "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in SMALL]
)
def test_units_change_a_trained_model_by_the_jacobian_alone(name, tmp_path):
  """Up to rounding, which Adam would magnify: it divides by gradients that may be 0."""
  nats, samples = measured(name, dataset_of(tmp_path, 1.0))
  sd = samples.std(0)
  for unit in UNITS[2:3] if name in QUICK else UNITS:
    other, scaled = measured(name, dataset_of(tmp_path, unit))
    np.testing.assert_allclose(scaled / unit / sd, samples / sd, atol=1e-3)
    if nats is not None:
      # Rounding: numbers about 100, of float32.
      np.testing.assert_allclose(other + D * math.log(unit), nats, atol=2e-3)


def test_a_unit_that_is_a_power_of_two_changes_no_bit(tmp_path):
  """Then standardised rows are the same to the bit, and so is all of training."""
  unit = 2.0**-50
  nats, samples = measured("maf", dataset_of(tmp_path, 1.0), "adam")
  other, scaled = measured("maf", dataset_of(tmp_path, unit), "adam")
  np.testing.assert_array_equal(scaled / unit, samples)
  np.testing.assert_allclose(other + D * math.log(unit), nats, atol=1e-5)


@pytest.mark.slow
def test_a_model_of_latents_is_the_same_in_any_unit(tmp_path):
  """Diffusion of the latents of a VAE of a table: a stage in its own units, inside another."""
  found = []
  for unit in (1.0, 1e-9):
    dataset = dataset_of(tmp_path, unit)
    vae, first = trained(SMALL["vae"], dataset)
    config = dict(
      model=dict(name="latent_diffusion", network=dict(name="mlp", hidden=(8,))),
      optimizer=dict(name="sgd", learning_rate=1e-2),
      train=dict(steps=1, ema=0.0, accumulate=1),
    )
    prior = build(config, dataset.fields, {"first": vae.model})
    batch = {"x": jnp.asarray(dataset.splits["train"]["x"]), "weight": jnp.ones(N)}
    frozen = {"first": (first.weights, first.state)}
    ts = jax.jit(prior.init)(jax.random.key(0), batch, frozen)
    ts, metrics = jax.jit(prior.step)(ts, batch, jax.random.key(1))
    draw = lambda p, s: prior.model.sample(p, s, jax.random.key(2), n=16, steps=4)
    samples = np.asarray(jax.jit(draw)(ts.weights, ts.state)["x"], np.float64)
    found.append((float(metrics["loss"]), samples / unit))
  assert found[0][0] == pytest.approx(found[1][0], rel=1e-3)
  np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-2)


def probe(fields):
  """A learner that returns what it was given: the density is N(0, I), a sample z is z itself."""

  def init(key, batch, *frozen):
    return batch["x"]

  def log_prob(params, state, batch, key):
    return -0.5 * (batch["x"] ** 2 + math.log(2 * math.pi)).reshape(len(batch["x"]), -1).sum(-1)

  parts = {
    "denoise": lambda params, state, x, level, c: (x, c),
    "log_joint": lambda params, state, batch, latents, key: log_prob(params, state, batch, key),
    "mean": lambda params, state, latents: latents["z"],
    "elbo_terms": lambda params, state, batch, key: (
      0,
      (0, 0),
      {"reconstruction": -log_prob(params, state, batch, key), "kl": 0},
    ),
  }
  model = Model(
    init,
    loss=lambda params, state, batch, key, train, beta=1.0: (batch["x"], ({}, {})),
    sample=lambda params, state, key, n, given={}, temperature=1.0: {"x": given["z"]} | given,
    log_prob=log_prob,
    encode=lambda params, state, batch, key: {"z": batch["x"], "side": batch["side"]},
    decode=lambda params, state, latents, key: {"x": latents["z"], "side": latents["side"]},
    evaluate=lambda params, state, batch, key: {"x": batch["x"]},
    observe=lambda params, state, batch, key: {"side": batch["side"]},
    parts=parts,
  )
  return Learner(init, lambda ts, batch, key: (ts, batch["x"]), model)


MEAN, SD = (5.0, -7.0), (2.0, 0.25)
FIELDS = {
  "x": Field((2,), np.float32, kind="vector", mean=MEAN, sd=SD),
  "side": Field((3, 2), np.float32, mean=(1.0, 1.0), sd=(4.0, 4.0)),
  "label": Field((), np.int32, 3),
}
Y = {
  "x": np.array([[1.0, -2.0], [0.0, 0.5]], np.float32),
  "side": np.arange(12, dtype=np.float32).reshape(2, 3, 2),
  "label": np.array([0, 2]),
}
X = Y | {"x": Y["x"] * np.float32(SD) + np.float32(MEAN), "side": Y["side"] * 4 + 1}


def test_every_function_gets_y_and_returns_x():
  learner = standardized(probe(FIELDS), FIELDS)
  model = learner.model
  equal = np.testing.assert_array_equal
  equal(learner.init(None, X), Y["x"])
  equal(learner.step(0, X, None)[1], Y["x"])
  equal(model.init(None, X), Y["x"])
  equal(model.loss(0, 0, X, None, train=True, beta=2.0)[0], Y["x"])
  equal(model.evaluate(0, 0, X, None)["x"], Y["x"])
  given = {"z": Y["x"], "side": X["side"], "label": X["label"]}
  sample = model.sample(0, 0, None, n=2, given=given)
  for name in X:
    equal(sample[name], X[name])
  latents = model.encode(0, 0, X, None)
  equal(latents["z"], Y["x"])
  equal(latents["side"], X["side"])
  again = model.decode(0, 0, latents, None)
  equal(again["x"], X["x"])
  equal(again["side"], X["side"])
  equal(model.observe(0, 0, X, None)["side"], X["side"])
  equal(model.parts["mean"](0, 0, latents), X["x"])
  # Noise is added to y: the floats of diffusion are y, and so is what they are given.
  x, c = model.parts["denoise"](0, 0, Y["x"], None, {"side": (X["side"], np.ones(2))})
  equal(x, Y["x"])
  equal(c["side"][0], Y["side"])


def test_log_p_has_the_jacobian_once_in_every_function_that_returns_it():
  """The density of x = mean + sd z, z ~ N(0, I), is N(mean, diag(sd²))."""
  from scipy.stats import norm

  model = standardized(probe(FIELDS), FIELDS).model
  exact = norm(MEAN, SD).logpdf(X["x"]).sum(-1)
  np.testing.assert_allclose(model.log_prob(0, 0, X, None), exact, rtol=1e-5)
  np.testing.assert_allclose(model.parts["log_joint"](0, 0, X, {}, None), exact, rtol=1e-5)
  _, _, terms = model.parts["elbo_terms"](0, 0, X, None)
  np.testing.assert_allclose(terms["reconstruction"], -exact, rtol=1e-5)
  wide = {"x": Field((3, 2), np.float32, kind="points", mean=(0.0, 0.0), sd=(2.0, 2.0))}
  assert affines(wide)["x"].log_det == pytest.approx(-6 * math.log(2))


def test_a_stage_speaks_the_numbers_of_the_model_that_is_built_on_it():
  """Whatever units it was trained in: here others than those of the later model."""
  stage_fields = FIELDS | {"x": FIELDS["x"]._replace(mean=(1.0, 2.0), sd=(3.0, 8.0))}
  for fields in (FIELDS, stage_fields):
    stage = restored(standardized(probe(fields), fields).model, FIELDS)
    # In the stage's own y.
    y = (X["x"] - np.float32(fields["x"].mean)) / np.float32(fields["x"].sd)
    np.testing.assert_allclose(stage.encode(0, 0, Y, None)["z"], y, atol=1e-6)
    np.testing.assert_allclose(
      stage.decode(0, 0, {"z": y, "side": Y["side"]}, None)["x"], Y["x"], atol=1e-6
    )
    log_det = np.log(SD).sum() - np.log(fields["x"].sd).sum()
    expected = -0.5 * (y**2 + math.log(2 * math.pi)).sum(-1) + log_det
    np.testing.assert_allclose(stage.log_prob(0, 0, Y, None), expected, rtol=1e-5)


def test_numbers_without_units_are_left_alone():
  fields = without_units(FIELDS)
  learner = probe(fields)
  assert standardized(learner, fields) is learner
  assert restored(learner.model, fields) is learner.model
  assert affines(load("moons").fields) == {}


def test_signatures_and_options_stay():
  import inspect

  plain = probe(FIELDS).model
  model = standardized(probe(FIELDS), FIELDS).model
  for name in ("loss", "sample", "log_prob"):
    assert inspect.signature(getattr(model, name)) == inspect.signature(getattr(plain, name))
  for name in model.parts:
    assert list(inspect.signature(model.parts[name]).parameters) == PARTS[name].split(", ")


def test_units_are_kept_with_the_run(tmp_path):
  fields = dataset_of(tmp_path, 1e-9).fields
  import json

  from genjax_zoo.run import tuples

  assert fields_of(tuples(json.loads(json.dumps(describe(fields, 8))))) == fields
  x = table()
  np.testing.assert_allclose(fields["x"].mean, x.mean(0) * 1e-9, rtol=1e-6)
  np.testing.assert_allclose(fields["x"].sd, x.std(0) * 1e-9, rtol=1e-6)


def test_configs_of_tables_resolve():
  assert resolve.resolve("configs/spline_flow_table.py").model.name == "spline_flow"
