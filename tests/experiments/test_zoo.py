"""What every model of the zoo must do, checked for each config whose data need no download."""

from pathlib import Path
from types import SimpleNamespace

import chex
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict
import numpy as np
from PIL import Image
import pytest

from experiments import hooks, pipeline, resolve, zoo
from experiments.suites import SUITES
from genjax_zoo import load
from genjax_zoo.core import UserError, observed
from genjax_zoo.data import take
from genjax_zoo.figures.kinds import show
from genjax_zoo.log import Log, read_json, write_json
from genjax_zoo.run import describe, learner_of

# Prefixes of data that need files.
FILES = {"tfds", "npz", "folder", "video", "pairs", "domains", "meshes", "points"}
# Their samples are functions of what they are given, without noise.
MAPS = (
  "cyclegan", "partial_convolution", "context_encoder", "talking_heads", "talking_heads_tuned"
)  # fmt: skip
# They compile slowly, and their own tests take smaller networks.
LARGE = (
  "pix2pix", "cyclegan", "stargan_v2", "stylegan2", "talking_heads", "talking_heads_tuned",
  "text_gan", "stackgan", "vqgan", "cascade", "imagen", "noisy_clip", "glide_inpainting", "unclip",
  "unclip_prior", "diffusion_autoencoder", "lion_denoising", "video_diffusion", "video_prediction",
)  # fmt: skip
NAMES = sorted(p.stem for p in (Path(resolve.__file__).parent / "configs").glob("[a-z]*.py"))


def has_unet(config) -> bool:
  """Whether a config, or a stage of it, has a U-Net."""
  network = config.model.get("network")
  own = network.name if isinstance(network, ConfigDict) else network
  return own == "unet" or any(map(has_unet, config.stages.values()))


def embedded():
  """The configs whose data need no download.

  All but one of each model are marked slow, and all U-Nets but that of ddpm.
  """
  tested = set()
  for name in sorted(NAMES, key=lambda n: not n.endswith("_digits")):
    config = resolve.resolve(f"configs/{name}.py")
    *prefixes, _ = str(config.data.name).split(":")
    if not FILES & set(prefixes):
      big = has_unet(config) and config.model.name != "ddpm"  # U-Nets compile slowly.
      slow = config.model.name in tested or big or config.model.name in LARGE
      yield pytest.param(name, marks=[pytest.mark.slow] if slow else [])
      tested.add(config.model.name)


EMBEDDED = list(embedded())


def describe_all(config):
  """The description of a config's data and of its stages' data."""
  stages = {name: describe_all(stage) for name, stage in config["stages"].items()}
  return describe(pipeline.load_data(config).fields, config["data"]["batch"] or 16, stages)


def moved(weights):
  """Weights some way from where they start: last layers that start at 0 pass no gradient."""

  def noisy(x):
    if not jnp.issubdtype(x.dtype, jnp.floating):
      return x
    return x + 0.01 * jax.random.normal(jax.random.key(x.size), x.shape, x.dtype)

  return jax.tree.map(noisy, weights)


def started(config, data, batch):
  """The learner of a config and its first state, on stages that are not trained."""
  learner, frozen = learner_of(config, data)
  values = {}
  for name, stage in config["stages"].items():
    _, ts = started(stage, data["stages"][name], batch)
    values[name] = moved(ts.weights), ts.state
  return learner, jax.jit(learner.init)(jax.random.key(0), batch, *([values] if frozen else []))


def first_batch(dataset, n=16):
  """n training examples as a step gets them."""
  batch = take(dataset.splits["train"], np.arange(n)) | {"weight": np.ones(n, "f4")}
  if dataset.augment:
    batch = dataset.augment(jax.tree.map(jnp.asarray, batch), jax.random.key(9), train=True)
  return batch


def check_steps(learner, ts, batch):
  """Three steps count themselves and have finite losses; returns the state after them."""
  step = jax.jit(learner.step)
  for i in range(3):
    ts, metrics = step(ts, batch, jax.random.key(i))
  assert int(ts.step) == 3
  for name, value in metrics.items():
    assert value.shape == () and (np.isfinite(value) or not name.endswith("loss")), name
  return ts


def check_loss(model, ts, batch):
  """The loss is of each example, and its gradient reaches every parameter."""

  def mean_loss(params):
    loss, (changes, metrics) = model.loss(params, ts.state, batch, jax.random.key(1), train=True)
    assert loss.shape == (16,)
    assert all(x.shape[0] == 16 for x in jax.tree.leaves(metrics))
    assert changes.keys() <= ts.state.keys() - {"frozen"}
    return loss.mean()

  grads = jax.jit(jax.grad(mean_loss))(ts.params)
  dead = [k for k, g in jax.tree_util.tree_leaves_with_path(grads) if not np.abs(g).max() > 0]
  assert not dead, f"no gradient reaches {dead}"


def check_batch(batch, n, fields):
  """n examples have the keys, shapes, dtypes and values of the data, not necessarily all keys."""
  assert batch.keys() <= fields.keys() and batch
  for name, x in batch.items():
    field = fields[name]
    assert x.shape == (n, *field.shape) and x.dtype == field.dtype, name
    if isinstance(x, jax.Array) and field.num_values:
      assert int(x.min()) >= 0 and int(x.max()) < field.num_values, name


def check_samples(model, ts, batch, fields, is_map=False):
  """Samples are like the data, and differ between keys; those of a map by what it is given."""
  six = {name: x[:6] for name, x in batch.items()}
  given = observed(model, ts.weights, ts.state, six, jax.random.key(1))
  sample = jax.jit(lambda key, given: model.sample(ts.weights, ts.state, key, 6, given))
  others = {name: x[::-1] for name, x in given.items()} if is_map else given
  one, other = sample(jax.random.key(1), given), sample(jax.random.key(2), others)
  check_batch(one, 6, fields)
  different = [not np.array_equal(x, other[name]) for name, x in one.items()]
  assert any(different), "two keys, one sample"


def check_latents(model, ts, batch, fields):
  """Latents are as the model describes them, and are decoded to examples."""
  key = jax.random.key(1)
  latents = jax.eval_shape(model.encode, ts.weights, ts.state, batch, key)
  assert all(z.shape[0] == 16 for z in jax.tree.leaves(latents))
  for name, field in model.latents.items():
    assert latents[name].shape == (16, *field.shape) and latents[name].dtype == field.dtype, name
  if model.decode:
    check_batch(jax.eval_shape(model.decode, ts.weights, ts.state, latents, key), 16, fields)


@pytest.mark.parametrize("name", EMBEDDED)
def test_contract(name):
  config = resolve.resolve(f"configs/{name}.py:smoke").to_dict()
  dataset = pipeline.load_data(config)
  batch = first_batch(dataset)
  learner, ts = started(config, describe_all(config), batch)
  model, key = learner.model, jax.random.key(1)
  chex.assert_tree_all_finite(ts.params)
  if config["train"]["steps"]:
    ts = check_steps(learner, ts, batch)
  if model.loss:
    check_loss(model, ts, batch)
  if model.evaluate:
    metrics = jax.eval_shape(model.evaluate, ts.weights, ts.state, batch, key)
    assert all(x.shape[0] == 16 for x in jax.tree.leaves(metrics))
  if model.sample:
    check_samples(model, ts, batch, dataset.fields, config["model"]["name"] in MAPS)
  if model.encode:
    check_latents(model, ts, batch, dataset.fields)
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


def test_what_is_said_of_data_is_said_of_the_stages_that_share_it():
  """Not of the size of images that a stage enlarges, nor of its batch."""
  config = resolve.resolve("configs/imagen_shapes.py")
  for assignment in ("name=folder:photos", "vocabulary=0", "size=64", "batch=3"):
    resolve.override(config, f"data.{assignment}")
  base, text = config.stages.base, config.stages.base.stages.text
  assert {c.data.name for c in (config, base, text, config.stages.up)} == {"folder:photos"}
  assert {c.data.vocabulary for c in (config, base, text, config.stages.up)} == {0}
  assert [c.data["size"] for c in (config, base, text, config.stages.up)] == [64, 8, 32, 64]
  assert base.data.batch > 3


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


def test_another_model_may_have_another_kind_of_network():
  config = resolve.resolve("configs/vae_digits.py")
  assert config.model.network == "mlp"
  resolve.override(config, "model.name=ddpm")
  assert config.model.network.name == "unet" and "latent" not in config.model
  resolve.override(config, "model.network.name=mlp")
  resolve.override(config, "model.network.hidden=64")
  assert config.model.network.hidden == (64,) and "patch" not in config.model.network
  resolve.override(config, "model.name=vae")
  assert config.model.network == "mlp"


def test_another_model_has_no_schedules_of_the_loss_of_the_first():
  config = resolve.resolve("configs/token_prior_sprites.py")
  assert "drop" in config.stages.first.schedules
  resolve.override(config, "stages.first.model.name=vqvae")
  assert not config.stages.first.schedules and config.stages.first.model.widths == (32, 64)


def test_an_unknown_config_is_answered_with_similar_ones():
  with pytest.raises(UserError, match=r"did you mean 'configs/vae_digits.py'") as error:
    resolve.resolve("configs/vae_digit.py")
  assert str(error.value).count("configs/") <= 12


def test_data_of_one_s_own_get_every_config_that_fits(tmp_path):
  """Photos without classes: what needs a label is left out, with the reason."""
  for i in range(12):
    Image.new("RGB", (14, 12), (20 * i, 0, 0)).save(tmp_path / f"{i}.png")
  only = ["cvae_digits", "latent_diffusion_digits", "vae_digits"]
  configs, notes = zoo.plan(f"folder:{tmp_path}", 10, only)
  assert [*configs] == only[1:]
  for config in configs["vae_digits"], configs["latent_diffusion_digits"].stages.first:
    assert pipeline.load_data(config.to_dict()).fields["image"].shape == (10, 10, 3)
  (note,) = notes
  assert note.startswith("cvae_digits is left out: ") and "'label'" in note
  with pytest.raises(UserError, match="did you mean 'vae_digits'"):
    zoo.plan(f"folder:{tmp_path}", 10, ["vae_digit"])
  with pytest.raises(UserError, match="--size=10 is for data of your own"):
    zoo.plan("digits", 10)


def test_a_budget_is_that_of_a_model_with_its_stages(tmp_path, monkeypatch):
  """A stage may take an equal share; what it leaves, here 1 s of each, is the last one's."""
  budgets = {}

  def scale_steps(config, budget, stages, equal):
    budgets[config.name] = budget
    config.train.steps = min(7, config.train.steps)

  def train_run(config, folder, stage):
    stages = [folder.parent / stage["name"] for stage in config["stages"].values()]
    before = sum(read_json(stage / "training.json")["seconds"] for stage in stages)
    folder.mkdir(exist_ok=True)
    write_json(folder / "training.json", {"seconds": before + budgets[folder.name] - 1})
    return SimpleNamespace(folder=folder)

  monkeypatch.setattr(zoo, "scale_steps", scale_steps)
  monkeypatch.setattr(pipeline, "train_run", train_run)
  notes = []
  for name in "unclip_shapes", "cascade_shapes":
    zoo.keep_to(80.0, resolve.resolve(f"configs/{name}.py"), tmp_path, notes)
  unclip = {"clip_shapes": 20, "unclip_prior_shapes": 40 - 19, "unclip_shapes": 80 - 39}
  cascade = {"text_diffusion_shapes8": 40, "super_resolution_shapes": 40, "cascade_shapes": 2}
  assert budgets == unclip | cascade
  assert notes[0].startswith("clip_shapes: 7 steps for its") and "for 20 s" in notes[0]
  assert len(notes) == 5


def test_a_suite_s_budget_lengthens_what_would_take_less(monkeypatch):
  """At 10 steps a second 400 s are 4,000 steps, of which the config has 2,500."""

  def fit(config, folder, *_):
    (folder / "metrics.jsonl").write_text('{"steps_per_second": 10.0}')

  monkeypatch.setattr(pipeline, "load_data", lambda _: None)
  monkeypatch.setattr(pipeline, "fit", fit)
  for equal, steps in (False, 2500), (True, 4000):
    config = resolve.resolve("configs/text_diffusion_shapes8.py")
    zoo.scale_steps(config, 400.0, {}, equal)
    assert config.train.steps == steps
  assert config.train.save_every == 800 and config.train.sample_every == 0


def test_a_suite_has_configs_of_one_set():
  for suite in SUITES.values():
    assert zoo.fitting("coloured_shapes", suite.configs) == sorted(suite.configs)


def test_what_a_suite_changes_in_the_data_is_changed_in_all_stages():
  configs, _ = zoo.plan("coloured_shapes", 0, ["imagen_shapes"], "text_to_image")
  (config,) = configs.values()
  base = config.stages.base
  assert config.data.unseen and base.data.unseen and base.stages.text.data.unseen
  assert base.data.size == 8 and len(zoo.plan("coloured_shapes", 0, (), "text_to_image")[0]) == 8
  with pytest.raises(UserError, match="--suite=text: there are text_to_image"):
    zoo.plan("coloured_shapes", 0, (), "text")
  with pytest.raises(UserError, match="--only=dalle: text_to_image compares cascade_shapes, "):
    zoo.plan("coloured_shapes", 0, ["dalle"], "text_to_image")


def test_the_page_of_a_comparison_gets_real_examples_without_their_labels(tmp_path):
  config = resolve.resolve("configs/vae_digits.py")
  zoo.draw_real(config, tmp_path)
  dataset = pipeline.load_data(config)
  real = {"image": dataset.splits["test"]["image"][: config.sample.n]}
  np.testing.assert_array_equal(Image.open(tmp_path / "real.png"), show(real, dataset.fields))
