"""From a config to a learner: what can't be built is told with the option that is wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import resolve
from genjax_zoo.build import build, dummy, optimizer
from genjax_zoo.core import Field, UserError

DIGITS = {"image": Field((8, 8, 1), np.uint8, 17), "label": Field((), np.int32, 10)}


def built(name: str, **options):
  config = resolve.resolve(f"configs/{name}.py").to_dict()
  return build(config | {"model": config["model"] | options}, DIGITS)


@pytest.mark.parametrize(
  "name, options, wrong",
  [
    ("vae_digits", {"latent": 0}, "model.latent=0: there must be 1 or more"),
    ("vae_digits", {"hidden": (256, 0)}, r"model.hidden=\(256, 0\): there must be 1"),
    ("gmm_digits", {"components": 0}, "model.components=0: there must be 1"),
    ("ebm_digits", {"buffer": 0}, "model.buffer=0"),
    ("pixelcnn_digits", {"blocks": -1}, "model.blocks=-1: there must be 0"),
    ("dcgan_digits", {"widths": ()}, r"model.widths=\(\): there must be 1"),
    ("ddpm_digits", {"network": {"name": "unet", "hidden": ()}}, r"model.network.hidden=\(\)"),
    ("ddpm_digits", {"network": {"name": "unet", "patch": 0}}, "model.network.patch=0"),
    ("gan_digits", {"augment": (0,)}, "unknown model.augment 0"),
  ],
)
def test_what_no_network_has_is_refused(name, options, wrong):
  with pytest.raises(UserError, match=wrong):
    built(name, **options)


def test_a_model_without_its_stages_says_which_it_takes():
  config = resolve.resolve("vae_digits").to_dict()
  with pytest.raises(UserError, match="takes the stages: first; the config has: none; start from"):
    build(config | {"model": {"name": "dalle"}}, DIGITS)


@pytest.mark.parametrize(
  "name, options",
  [
    ("pixelcnn_digits", {"blocks": 0}),
    ("window_digits", {"hidden": ()}),
    ("ddgan_digits", {"z_dim": 0}),
  ],
)
def test_nothing_is_a_size_where_it_makes_sense(name, options):
  params = jax.eval_shape(built(name, **options).init, jax.random.key(0), dummy(DIGITS)).params
  assert all(x.size for x in jax.tree.leaves(params))


def test_schedules_of_a_config_reach_the_losses_of_the_players(tmp_path, monkeypatch):
  """A learner with the argument `schedules` gets {player: {argument: optax schedule}}."""
  (tmp_path / "schedule_toy").mkdir()
  (tmp_path / "schedule_toy" / "game.py").write_text(
    "def learner(data, tx, *, schedules={}):\n  return tx, schedules\n"
  )
  monkeypatch.syspath_prepend(tmp_path)
  linear = dict(name="linear_schedule", init_value=0.0, end_value=2.0, transition_steps=10)
  config = {
    "model": {"name": "schedule_toy.game"},
    "optimizer": {"gen": {}, "critic": {}},
    "train": {"steps": 10, "ema": 0.0, "accumulate": 1},
    "schedules": {"critic": {"r1": linear}},
  }
  tx, schedules = build(config, DIGITS)
  assert set(tx) == {"gen", "critic"} and set(schedules) == {"critic"}
  assert schedules["critic"]["r1"](5) == 1.0
  wrong = {"critic": {"r1": linear | {"name": "linear_schedul"}}}
  with pytest.raises(UserError, match=r"schedules\.critic\.r1\.name='linear_schedul'"):
    build(config | {"schedules": wrong}, DIGITS)
  with pytest.raises(UserError, match="does not take schedules"):
    gan = resolve.resolve("configs/gan_digits.py").to_dict()
    build(gan | {"schedules": config["schedules"]}, DIGITS)


def rates(count, **options):
  """The learning rates of updates 0 .. count - 1: what a gradient of 1 moves a weight by."""
  tx = optimizer(name="sgd", **options)

  def step(opt, _):
    updates, opt = tx.update(jnp.ones(()), opt)
    return opt, -updates

  return jax.lax.scan(step, tx.init(jnp.ones(())), length=count)[1]


def test_learning_rates_rise_and_end_at_0():
  constant = rates(3, learning_rate=0.2, steps=2)
  np.testing.assert_allclose(constant, 0.2)
  linear = rates(6, learning_rate=0.2, steps=4, schedule="linear")
  np.testing.assert_allclose(linear, [0.2, 0.15, 0.1, 0.05, 0, 0], atol=1e-7)
  # Two updates of warm-up, then half a cosine that ends after the last of 10.
  cosine = rates(12, learning_rate=0.2, steps=10, warmup_steps=2, schedule="cosine")
  falls = 0.1 * (1 + np.cos(np.pi * np.minimum(np.arange(10) / 8, 1)))
  np.testing.assert_allclose(cosine, [0, 0.1, *falls], atol=1e-7)


def test_gradients_are_clipped_to_their_global_norm_and_biases_do_not_decay():
  params = {"kernel": jnp.full((1, 2), 10.0), "bias": jnp.full(2, 10.0)}
  grads = jax.tree.map(lambda p: jnp.full(p.shape, 3.0), params)  # Of norm 6.
  moved = {}
  for clip in (0.0, 1.5, 60.0):
    tx = optimizer(name="sgd", learning_rate=1.0, clip_norm=clip)
    moved[clip] = float(tx.update(grads, tx.init(params), params)[0]["bias"][0])
  assert moved == pytest.approx({0.0: -3, 1.5: -0.75, 60.0: -3})
  tx = optimizer(name="adamw", learning_rate=0.1, weight_decay=0.5)
  zeros = jax.tree.map(jnp.zeros_like, params)
  updates, _ = tx.update(zeros, tx.init(params), params)
  np.testing.assert_allclose(updates["kernel"], -0.1 * 0.5 * 10)
  np.testing.assert_array_equal(updates["bias"], 0)
