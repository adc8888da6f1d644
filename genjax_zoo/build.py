"""From a config, which is data, to a learner: models and optimizers by the names they have."""

from collections.abc import Mapping
import importlib.util
import inspect
from pathlib import Path

import jax
import jax.numpy as jnp
import optax

from genjax_zoo.core import Field, Learner, Model, UserError, check_sizes, descend, nearest, similar
from genjax_zoo.standardize import restored, standardized, without_units


def constructor(name: str):
  """The `model` or `learner` of a model file, by its name, or of your module "package.module".

  Raises UserError when there is none, naming the nearest known one.
  """
  files = sorted((Path(__file__).parent / "models").glob("*/[a-z]*.py"))
  known = {file.stem: f"genjax_zoo.models.{file.parent.name}.{file.stem}" for file in files}
  if name not in known and not is_module(name):
    near = similar(name, known)
    raise UserError(f"unknown model {name!r}{nearest(name, known)}; there are {near}")
  try:
    module = importlib.import_module(known.get(name, name))
  except ModuleNotFoundError as e:
    raise UserError(f"model {name!r} can't be imported: {e}") from e
  construct = getattr(module, "model", None) or getattr(module, "learner", None)
  if construct is None:
    raise UserError(
      f"{module.__file__} defines neither model(data, ...) nor learner(data, tx, ...)"
    )
  return construct


def is_module(name: str) -> bool:
  """Whether a name is that of a module in a package that is there: "mine.pixels"."""
  package, dot, _ = name.partition(".")
  return bool(dot) and importlib.util.find_spec(package) is not None


def optimizer(
  *,
  steps: int = 1,
  name: str = "adam",
  learning_rate: float = 1e-3,
  schedule: str = "constant",
  warmup_steps: int = 0,
  clip_norm: float = 0.0,
  **options,
) -> optax.GradientTransformation:
  """`optax.<name>(learning rate, **options)`.

  The rate rises linearly over `warmup_steps`, then is "constant", or decays to 0 over `steps`
  updates, as half a "cosine" or "linear"; in a game each player counts its own updates. Gradients
  are clipped to the global norm `clip_norm` if it is positive. Weight decay is of matrices and
  kernels alone, not of biases and scales. Raises UserError for a name that optax lacks.
  """
  decays = {
    "constant": lambda: optax.constant_schedule(learning_rate),
    "cosine": lambda: optax.cosine_decay_schedule(learning_rate, max(steps - warmup_steps, 1)),
    "linear": lambda: optax.linear_schedule(learning_rate, 0.0, max(steps - warmup_steps, 1)),
  }
  if schedule not in decays:
    raise UserError(f"unknown optimizer.schedule={schedule!r}; there are {', '.join(decays)}")
  rate = decays[schedule]()
  if warmup_steps:
    rate = optax.join_schedules(
      [optax.linear_schedule(0.0, learning_rate, warmup_steps), rate], [warmup_steps]
    )
  make = optax_function("optimizer.name", name)
  if {"mask", "weight_decay"} <= inspect.signature(make).parameters.keys():
    options["mask"] = lambda params: jax.tree.map(lambda p: p.ndim > 1, params)
  tx = make(rate, **{k: v for k, v in options.items() if v is not None})
  return optax.chain(optax.clip_by_global_norm(clip_norm), tx) if clip_norm else tx


def optax_function(key: str, name: str):
  """`optax.<name>`. Raises UserError, naming the config's `key`, when there is none."""
  if not callable(getattr(optax, name, None)):
    raise UserError(f"{key}={name!r} is not in optax{nearest(name, dir(optax))}")
  return getattr(optax, name)


def stages_of(construct) -> set[str]:
  """The arguments of a constructor that are earlier stages: those annotated `Model`."""
  parameters = inspect.signature(construct, eval_str=True).parameters
  return {k for k, p in parameters.items() if p.annotation in (Model, Model | None)}


def build(config: Mapping, data: Mapping[str, Field], stages: Mapping[str, Model] = {}) -> Learner:
  """The learner that a resolved config describes, for batches of the fields `data`.

  `stages` holds the models of earlier stages, by the keyword that the constructor calls them. The
  constructor's signature says what else it gets, see core.py. Real numbers in units of their own
  reach the model standardised, see standardize.py.
  """
  stages = {name: restored(stage, data) for name, stage in stages.items()}
  return standardized(build_inner(config, without_units(data), stages), data)


def build_inner(config: Mapping, data: Mapping[str, Field], stages: Mapping[str, Model]) -> Learner:
  """The learner of a config for fields without units."""
  options = dict(config["model"])
  name = options.pop("name")
  construct = constructor(name)
  arguments = inspect.signature(construct, eval_str=True).parameters
  optional = {k for k, p in arguments.items() if p.default is None}
  takes = stages_of(construct)
  if (set(stages) ^ takes) - optional:
    listed = lambda names: ", ".join(sorted(names)) or "none"
    raise UserError(
      f"model {name!r} takes the stages: {listed(takes)}; the config has: {listed(stages)}; start "
      "from a config of this model, or see docs/stages.md"
    )
  check_sizes("model", options, {k: p.default for k, p in arguments.items()})
  options |= stages
  if "tx" in arguments:
    return build_learner(name, construct, arguments, config, data, options)
  model = construct(data, **options)
  if not isinstance(model, Model):
    raise UserError(f"model {name!r} returns {type(model).__name__}: it must return a Model")
  if model.loss is None:  # A combination of earlier stages: nothing to train.
    return descend(model, optax.identity())
  train = config["train"]
  schedules = {k: schedule_of(k, s) for k, s in config.get("schedules", {}).items()}
  tx = optimizer_of(config["optimizer"], train["steps"])
  return descend(model, tx, train["ema"], schedules, train["accumulate"])


def build_learner(name: str, construct, arguments, config, data, options) -> Learner:
  """The learner of a model that writes its own step, with an optimizer for each player."""
  train = config["train"]
  if train["accumulate"] != 1:
    raise UserError(f"model {name!r} writes its own step: it does not take train.accumulate")
  if "schedules" in arguments:
    options["schedules"] = player_schedules(config.get("schedules", {}))
  elif config.get("schedules"):
    raise UserError(f"model {name!r} writes its own step: it does not take schedules")
  if "ema" in arguments:
    options["ema"] = train["ema"]
  players = config.get("optimizer", {})
  if not all(isinstance(player, Mapping) for player in players.values()):
    raise UserError(
      f"model {name!r} has an optimizer for each player: start from one of its configs"
    )
  tx = {player: optimizer_of(section, train["steps"]) for player, section in players.items()}
  return construct(data, tx, **options)


def optimizer_of(section: Mapping, steps: int) -> optax.GradientTransformation:
  """The optimizer of a config's section; `steps` are those of training where the section has 0."""
  return optimizer(**section | {"steps": section.get("steps") or steps})


def player_schedules(config: Mapping) -> dict:
  """{player: {argument of its loss: schedule}} of a config's section of the same form."""
  return {
    player: {k: schedule_of(f"{player}.{k}", options) for k, options in arguments.items()}
    for player, arguments in config.items()
  }


def schedule_of(key: str, options: Mapping):
  """The optax schedule of a config's section `schedules.<key>`."""
  options = dict(options)
  return optax_function(f"schedules.{key}.name", options.pop("name"))(**options)


def dummy(data: Mapping[str, Field], n: int = 1) -> dict:
  """A batch of n zeros with the keys, shapes and dtypes of the data."""
  batch = {k: jnp.zeros((n, *f.shape), f.dtype) for k, f in data.items()}
  return batch | {"weight": jnp.ones(n)}
