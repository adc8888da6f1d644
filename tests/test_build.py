"""From a config to a learner: what can't be built is told with the option that is wrong."""

import jax
import numpy as np
import pytest

from experiments import resolve
from genjax_zoo.build import build, dummy
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
