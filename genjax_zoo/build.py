"""From a config, which is data, to a learner: models and optimizers by the names they have."""

from collections.abc import Mapping
import importlib.util
import inspect
from pathlib import Path

import jax
import jax.numpy as jnp
import optax

from genjax_zoo.core import Field, Learner, Model, UserError, descend, nearest
from genjax_zoo.errors import check_sizes


def constructor(name: str):
  """The `model` or `learner` of `genjax_zoo/models/*/<name>.py`, or of your own module
  "package.module".

  Raises UserError when there is none, naming the nearest known one.
  """
  models = Path(__file__).parent / "models"
  known = {
    p.stem: f"genjax_zoo.models.{p.parent.name}.{p.stem}"
    for p in sorted(models.glob("*/[a-z]*.py"))
  }
  path = known.get(name, name)
  if name not in known and (
    "." not in name or not importlib.util.find_spec(name.partition(".")[0])
  ):
    raise UserError(f"unknown model {name!r}{nearest(name, known)}; there are {', '.join(known)}")
  try:
    module = importlib.import_module(path)
  except ModuleNotFoundError as e:
    raise UserError(f"model {name!r} can't be imported: {e}") from e
  construct = getattr(module, "model", None) or getattr(module, "learner", None)
  if construct is None:
    raise UserError(
      f"{module.__file__} defines neither model(data, ...) nor learner(data, tx, ...)"
    )
  return construct


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
  """`optax.<name>(learning rate, **options)`, clipped to the global norm `clip_norm` when positive.

  Weight decay, where the optimizer has it, is of matrices and kernels alone, not of biases and
  scales.

  The rate rises linearly over `warmup_steps`, then is "constant", or goes to 0 at `steps` of this
  player's own updates as a half "cosine" or "linear". Raises UserError for a name that optax lacks.
  """
  schedules = {
    "constant": lambda: optax.constant_schedule(learning_rate),
    "cosine": lambda: optax.cosine_decay_schedule(learning_rate, max(steps - warmup_steps, 1)),
    "linear": lambda: optax.linear_schedule(learning_rate, 0.0, max(steps - warmup_steps, 1)),
  }
  if schedule not in schedules:
    raise UserError(f"unknown optimizer.schedule={schedule!r}; there are {', '.join(schedules)}")
  rate = schedules[schedule]()
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

  `stages` holds the models of earlier stages, by the keyword that the constructor calls them.
  """
  options = dict(config["model"])
  name = options.pop("name")
  construct, train = constructor(name), config["train"]
  known = inspect.signature(construct, eval_str=True).parameters
  optional = {k for k, p in known.items() if p.default is None}
  if differ := (set(stages) ^ stages_of(construct)) - optional:
    raise UserError(
      f"model {name!r} and the config's stages disagree about {', '.join(sorted(differ))}"
    )
  check_sizes("model", options, {k: p.default for k, p in known.items()})
  options |= stages
  if "tx" not in known:
    model = construct(data, **options)
    if model.loss is None:
      return descend(model, optax.identity())
    schedules = {k: _schedule(k, s) for k, s in config.get("schedules", {}).items()}
    tx = update(train["steps"], config["optimizer"])
    return descend(model, tx, train["ema"], schedules, train["accumulate"])
  if train["accumulate"] != 1:
    raise UserError(f"model {name!r} writes its own step: it does not take train.accumulate")
  if "schedules" in known:
    options["schedules"] = player_schedules(config.get("schedules", {}))
  elif config.get("schedules"):
    raise UserError(f"model {name!r} writes its own step: it does not take schedules")
  if "ema" in known:
    options["ema"] = train["ema"]
  players = config.get("optimizer", {})
  if not all(isinstance(player, Mapping) for player in players.values()):
    raise UserError(
      f"model {name!r} trains its own way, with an optimizer for each player: start from a config of it"
    )
  return construct(
    data, {k: update(train["steps"], player) for k, player in players.items()}, **options
  )


def update(steps: int, options) -> optax.GradientTransformation:
  """The optimizer of a config's section; `steps` is that of training where the section leaves it 0."""
  return optimizer(**options | {"steps": options.get("steps") or steps})


def player_schedules(config: Mapping) -> dict:
  """{player: {argument of its loss: schedule}} of a config's section of the same form."""
  return {
    player: {k: _schedule(f"{player}.{k}", options) for k, options in arguments.items()}
    for player, arguments in config.items()
  }


def _schedule(key, options):
  options = dict(options)
  return optax_function(f"schedules.{key}.name", options.pop("name"))(**options)


def dummy(data: Mapping[str, Field], n: int = 1) -> dict:
  """A batch of n zeros in the form of the data."""
  batch = {k: jnp.zeros((n, *f.shape), f.dtype) for k, f in data.items()}
  return batch | {"weight": jnp.ones(n)}
