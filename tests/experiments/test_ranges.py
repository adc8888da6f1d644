"""Numbers that no run can have are refused before anything is loaded, in one line."""

import inspect

import pytest

from experiments import ranges, resolve
from experiments.pipeline import perform
from genjax_zoo import UserError
from genjax_zoo.build import constructor
from genjax_zoo.core import check_sizes


def test_tuples_need_no_brackets():
  """Which a shell would have in quotes."""
  config = resolve.resolve("ddpm_labels_digits")
  for value in ("model.condition=label,tokens", "model.condition=('label', 'tokens')"):
    resolve.override(config, value)
    assert config.model.condition == ("label", "tokens")
  resolve.override(config, "model.condition=")
  assert config.model.condition == ()
  resolve.override(config, "model.network.hidden=8,16")
  assert config.model.network.hidden == (8, 16)


@pytest.mark.parametrize(
  "assignment, wanted",
  [
    ("sample.n=0", "an integer, 1 or more"),
    ("sample.n=-3", "an integer, 1 or more"),
    ("evaluate.samples=1", "an integer, 0 or 20 or more"),
    ("evaluate.samples=-5", "an integer, 0 or 20 or more"),
    ("evaluate.sweep.samples=5", "an integer, 0 or 20 or more"),
    ("evaluate.batch=-1", "an integer, 1 or more"),
    ("evaluate.examples=-1", "an integer, 0 or more"),
    ("evaluate.repeats=0", "an integer, 1 or more"),
    ("train.seed=-1", "an integer, 0 or more and below 4294967296"),
    ("train.accumulate=0", "an integer, 1 or more"),
    ("train.ema=1.5", "a number, 0 or more and below 1"),
    ("train.ema=-1.0", "a number, 0 or more and below 1"),
    ("train.steps=-5", "an integer, 0 or more"),
    ("train.save_every=-2", "an integer, 1 or more"),
    ("data.size=8.5", "an integer, 1 or more"),
    ("data.size=-5", "an integer, 1 or more"),
    ("data.batch=-1", "an integer, 0 or more"),
    ("optimizer.learning_rate=-0.5", "a number, 0 or more"),
    ("optimizer.b2=1.0", "a number, 0 or more and below 1"),
  ],
)
def test_what_no_run_can_have_is_refused(tmp_path, assignment, wanted):
  key, _, value = assignment.partition("=")
  options = ["data.name=folder:nowhere", assignment]  # Not even the data are looked for.
  with pytest.raises(UserError, match=f"^{key}={value}.*: it must be {wanted}") as error:
    perform("train", "vae_digits", str(tmp_path / "run"), options)
  assert "\n" not in str(error.value) and not (tmp_path / "run").exists()


@pytest.mark.parametrize("assignment", ["model.hidden=(64.5,)", "model.hidden=('a',)"])
def test_sizes_of_models_are_integers(tmp_path, assignment):
  with pytest.raises(UserError, match=r"model\.hidden=.*: it must be integers, such as \(400,\)"):
    perform("train", "vae_digits", str(tmp_path / "run"), [assignment])


def test_stages_and_players_have_the_same_ranges():
  config = resolve.resolve("latent_diffusion_digits").to_dict()
  config["stages"]["first"]["train"]["ema"] = 2.0
  with pytest.raises(UserError, match=r"^stages\.first\.train\.ema=2\.0: it must be a number"):
    ranges.check(config)
  config = resolve.resolve("gan_digits").to_dict()
  config["optimizer"]["critic"]["learning_rate"] = -1.0
  with pytest.raises(UserError, match=r"optimizer\.critic\.learning_rate=-1\.0"):
    ranges.check(config)


def test_every_config_is_within_them():
  for path in sorted((resolve.HERE / "configs").glob("[a-z]*.py")):
    for variant in "", ":smoke":
      config = resolve.resolve(f"{path}{variant}").to_dict()
      ranges.check(config)
      parameters = inspect.signature(constructor(config["model"]["name"])).parameters
      defaults = {name: p.default for name, p in parameters.items()}
      check_sizes("model", config["model"], defaults)
