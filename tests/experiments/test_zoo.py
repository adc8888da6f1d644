"""What every model of the zoo must do, checked for each config whose data need no download."""

from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import hooks, pipeline, resolve
from genjax_zoo import load
from genjax_zoo.core import UserError
from genjax_zoo.data import take
from genjax_zoo.log import Log
from genjax_zoo.run import describe, learner_of

NAMES = sorted(p.stem for p in (Path(resolve.__file__).parent / "configs").glob("[a-z]*.py"))


def has_unet(config) -> bool:
  """Whether a config, or a stage of it, has a U-Net."""
  return config.model.get("network") == "unet" or any(map(has_unet, config.stages.values()))


def embedded():
  """The configs whose data need no download; each model, and one U-Net, are enough for a quick run,
  others are slow.
  """
  seen = set()
  for name in sorted(NAMES, key=lambda n: not n.endswith("_digits")):
    config = resolve.resolve(f"configs/{name}.py")
    if not {"tfds", "npz", "folder"} & set(str(config.data.name).split(":")):
      big = has_unet(config) and config.model.name != "ddpm"  # U-Nets compile slowly.
      yield pytest.param(name, marks=[pytest.mark.slow] if config.model.name in seen or big else [])
      seen.add(config.model.name)


EMBEDDED = list(embedded())


def describe_all(config):
  stages = {name: describe_all(stage) for name, stage in config["stages"].items()}
  return describe(pipeline.load_data(config).fields, config["data"]["batch"] or 16, stages)


def started(config, data, batch):
  """The learner of a config and its first state; its stages are as they are initialised."""
  learner, frozen = learner_of(config, data)
  values = {}
  for name, stage in config["stages"].items():
    _, ts = started(stage, data["stages"][name], batch)
    values[name] = ts.weights, ts.state
  return learner, jax.jit(learner.init)(jax.random.key(0), batch, *([values] if frozen else []))


@pytest.mark.parametrize("name", EMBEDDED)
def test_contract(name):
  config = resolve.resolve(f"configs/{name}.py:smoke").to_dict()
  dataset = pipeline.load_data(config)
  batch = take(dataset.splits["train"], np.arange(16)) | {"weight": np.ones(16, "f4")}
  if dataset.augment:
    batch = dataset.augment(jax.tree.map(jnp.asarray, batch), jax.random.key(9), train=True)
  learner, ts = started(config, describe_all(config), batch)
  model, key = learner.model, jax.random.key(1)
  chex.assert_tree_all_finite(ts.params)

  step = jax.jit(learner.step)
  if config["train"]["steps"]:
    for i in range(3):
      ts, metrics = step(ts, batch, jax.random.fold_in(key, i))
    assert int(ts.step) == 3
    for metric, value in metrics.items():
      assert value.shape == () and (np.isfinite(value) or not metric.endswith("loss")), metric

  if model.loss:

    def mean_loss(params):
      loss, (changes, metrics) = model.loss(params, ts.state, batch, key, train=True)
      chex.assert_shape([loss, *metrics.values()], (16,))
      assert changes.keys() <= ts.state.keys() - {"frozen"}
      return loss.mean()

    grads = jax.jit(jax.grad(mean_loss))(ts.params)
    dead = [k for k, g in jax.tree_util.tree_leaves_with_path(grads) if not np.abs(g).max() > 0]
    assert not dead, f"no gradient reaches {dead}"

  if model.evaluate:
    values = jax.eval_shape(model.evaluate, ts.weights, ts.state, batch, key)
    assert all(value.shape == (16,) for value in values.values())

  def to_data(out, n):
    assert out.keys() <= dataset.fields.keys() and out
    for k, x in out.items():
      field = dataset.fields[k]
      assert x.shape == (n, *field.shape) and x.dtype == field.dtype, k
      if isinstance(x, jax.Array):
        assert field.num_values is None or (
          int(x.min()) >= 0 and int(x.max()) < field.num_values
        ), k

  if model.sample:
    given = {k: batch[k][:6] for k in model.given}
    draw = jax.jit(lambda key: model.sample(ts.weights, ts.state, key, 6, given))
    to_data(draw(key), 6)
    x, y = jax.tree.leaves(draw(key))[0], jax.tree.leaves(draw(jax.random.key(2)))[0]
    assert not np.array_equal(x, y), "two keys, one sample"
  if model.encode:
    latents = jax.eval_shape(model.encode, ts.weights, ts.state, batch, key)
    assert all(z.shape[0] == 16 for z in jax.tree.leaves(latents))
    if model.decode:
      to_data(jax.eval_shape(model.decode, ts.weights, ts.state, latents, key), 16)
  assert bool(model.log_prob) == bool(model.likelihood)
  if model.log_prob:
    assert set(model.likelihood.values()) <= {"exact", "lower_bound", "estimate"}
    nats = jax.jit(model.log_prob)(ts.weights, ts.state, batch, key)
    assert nats.shape == (16,) and np.isfinite(nats).all()


def fit(config, folder):
  """Trains a config after its stages; no evaluation, no figures."""
  stages = {name: fit(stage, folder / name) for name, stage in config["stages"].items()}
  with Log(folder, config["train"]["steps"]) as log:
    return pipeline.fit(config, folder, pipeline.load_data(config), stages, log)


# One of each way to train: a loss, EM, two players, a replay buffer, a model on another's latents.
QUICK = "vae_digits", "gmm_digits", "gan_digits", "ebm_digits", "latent_diffusion_digits"
SMOKES = [
  pytest.param(*e.values, marks=[] if e.values[0] in QUICK else pytest.mark.slow) for e in EMBEDDED
]


@pytest.mark.parametrize("name", SMOKES)
def test_smoke_run_and_load(name, tmp_path):
  run = fit(resolve.resolve(f"configs/{name}.py:smoke").to_dict(), tmp_path)
  assert run.step == min(2, run.config["train"]["steps"])
  loaded = load(tmp_path)
  chex.assert_trees_all_equal(jax.device_get(loaded.weights), jax.device_get(run.weights))
  if run.model.sample:
    given = hooks.given_rows(run, pipeline.load_data(run.config), 4)
    chex.assert_trees_all_equal(loaded.sample(4, given=given), run.sample(4, given=given))


@pytest.mark.parametrize("name", NAMES)
def test_config_resolves_and_says_what_to_expect(name):
  path = f"configs/{name}.py"
  config = resolve.resolve(path)
  train = config.train
  for key in resolve.MAY_CHANGE:
    assert train[key] % train.steps_per_dispatch == 0
  text = (Path(resolve.__file__).parent / path).read_text()
  assert f"--config={path}" in text and "xpect" in text
  assert resolve.differences(config.to_dict(), config.to_dict()) == []


def test_overrides_are_typed_and_unknown_keys_named():
  config = resolve.resolve("configs/vae_digits.py")
  for assignment in (
    "model.latent=3",
    "optimizer.learning_rate=1",
    "train.steps=100",
    "model.hidden=64",
    "data.name=digits",
  ):
    resolve.override(config, assignment)
  assert config.model.latent == 3 and config.model.hidden == (64,)
  assert isinstance(config.optimizer.learning_rate, float)
  for wrong in (
    "model.latent=1.5",
    "train.steps=x",
    "train=3",
    "model.laten=1",
    "optimizer.learning_rate",
  ):
    with pytest.raises(UserError):
      resolve.override(config, wrong)


def test_another_name_brings_its_own_arguments():
  config = resolve.resolve("configs/vae_digits.py")
  resolve.override(config, "optimizer.name=sgd")
  resolve.override(config, "data.name=folder:photos")
  resolve.override(config, "data.size=32")
  assert "b1" not in config.optimizer and config.optimizer.momentum is None
  assert (
    config.optimizer.learning_rate
    == resolve.resolve("configs/vae_digits.py").optimizer.learning_rate
  )
  assert (
    config.data.size == 32
    and config.data.batch == resolve.resolve("configs/vae_digits.py").data.batch
  )
