"""Configs: Python files whose keys are the keyword arguments of the functions they name.

`resolve` completes a config with those functions' defaults, so that every argument can be set on
the command line and a run folder records every value.
"""

import ast
import difflib
import importlib.util
import inspect
from pathlib import Path

from ml_collections import ConfigDict

from genjax_zoo import data, loop
from genjax_zoo.build import constructor, optax_function, optimizer, stages_of
from genjax_zoo.core import UserError, nearest
from genjax_zoo.models.diffusion._network import NETWORKS

HERE = Path(__file__).parent
# Keys of the sections that no function's signature has.
TRAIN = {"ema": 0.0, "accumulate": 1, "sample_every": 0, "fid_every": 0, "validate_every": 0}
EVALUATE = {
  "split": "test",
  "batch": 500,
  "examples": 0,
  "repeats": 1,
  "log_prob": {},
  "samples": 1000,
  "features": "auto",
}
SAMPLE = {"n": 64, "seed": 0}
# What identifies a run: these sections, and all of `train` but the keys that may change when it is
# resumed.
IDENTITY = "model", "data", "optimizer", "schedules"
MAY_CHANGE = "steps", "log_every", "save_every", "sample_every", "fid_every", "validate_every"


def resolve(path: str) -> ConfigDict:
  """The config of `path[:smoke]` with all defaults, and with the configs of its stages.

  A relative path that is not found is looked for under experiments/. Raises UserError for a file
  that isn't there, and for a key that the function it names doesn't take.
  """
  path, _, variant = path.partition(":")
  if variant not in ("", "smoke"):
    raise UserError(f"unknown variant :{variant} of {path}; there is :smoke")
  file = find(path)
  given = load(file).to_dict()
  config = complete(file.stem, given)
  suffix = ":smoke" if variant else ""
  config.stages = {name: resolve(p + suffix) for name, p in given.get("stages", {}).items()}
  return shrink(config) if variant else config


def find(path: str) -> Path:
  """The file of a config. Raises UserError, naming similar ones, when there is none."""
  for file in (Path(path), HERE / path):
    if file.is_file():
      return file
  known = sorted(f"configs/{p.name}" for p in (HERE / "configs").glob("[a-z]*.py"))
  similar = difflib.get_close_matches(path, known, 10, 0.0)
  raise UserError(
    f"no config {path}{nearest(path, known)}; there are {len(known)}, such as {', '.join(similar)}"
  )


def load(file: Path) -> ConfigDict:
  """The config that a file's get_config() returns. Raises UserError when it has none."""
  spec = importlib.util.spec_from_file_location(file.stem, file)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  if not hasattr(module, "get_config"):
    raise UserError(f"{file} has no get_config(), the function that returns the config")
  return module.get_config()


SECTIONS = "model", "data", "optimizer", "schedules", "train", "evaluate", "sample", "stages"
GIVEN_BY_RUN = {"learner", "data", "log", "workdir", "frozen", "hooks"}  # Arguments of the loop.


def complete(name: str, given: dict) -> ConfigDict:
  """A config's sections, each with the defaults of the function that takes it."""
  check(name, given, SECTIONS)
  model = given.get("model", {})
  source = {"name": "digits"} | given.get("data", {})
  players = "tx" in inspect.signature(constructor(model.get("name", ""))).parameters
  optimizers = given.get("optimizer", {})
  if players:
    optimizers = {player: complete_optimizer(options) for player, options in optimizers.items()}
  else:
    optimizers = complete_optimizer(optimizers)
  train = arguments(loop.train, GIVEN_BY_RUN) | TRAIN
  return ConfigDict(
    dict(
      name=name,
      model=complete_model(model["name"], model),
      data=section("data", source, data_defaults(source["name"])),
      optimizer=optimizers,
      schedules=given.get("schedules", {}),
      train=section("train", given.get("train", {}), train),
      evaluate=section("evaluate", given.get("evaluate", {}), EVALUATE),
      sample=SAMPLE | given.get("sample", {}),
      stages={},
    )
  )


def complete_model(name: str, given: dict) -> dict:
  """A config's `model`, with the defaults of the constructor and of the network that it names."""
  defaults = model_defaults(name)
  model = section("model", given, defaults)
  if isinstance(defaults.get("network"), dict):
    network = {"name": defaults["network"]["name"]} | dict(model["network"])
    model["network"] = section("model.network", network, network_defaults(network["name"]))
  return model


def network_defaults(name: str) -> dict:
  """{argument: default} of a diffusion model's network, without those that the model sets."""
  if name not in NETWORKS:
    known = ", ".join(NETWORKS)
    raise UserError(f"unknown model.network.name={name!r}{nearest(name, NETWORKS)}; take {known}")
  return {"name": name} | arguments(NETWORKS[name], {"channels"})


def model_defaults(name) -> dict:
  """{argument: default} of a model's constructor, without those that `build` sets."""
  construct = constructor(name)
  by_build = {"data", "tx", "ema", "schedules"} | stages_of(construct)
  return {"name": name} | arguments(construct, by_build)


def data_defaults(name) -> dict:
  """{argument: default} of a data set."""
  return data.options(name) | {"batch": 128}


def complete_optimizer(given: dict) -> dict:
  """The section of one optimizer, with the defaults of the optax function that it names."""
  return section("optimizer", given, optimizer_defaults(given.get("name", "adam")))


def optimizer_defaults(name) -> dict:
  """{argument: default} of `optimizer`, and the numbers among those of `optax.<name>`."""
  own = arguments(optax_function("optimizer.name", name), {"learning_rate", "mask"})
  numbers = {k: v for k, v in own.items() if v is None or isinstance(v, (bool, int, float))}
  return arguments(optimizer, {"options"}) | {"steps": 0, "name": name} | numbers


BY_NAME = {
  "model": lambda name: complete_model(name, {}),
  "network": network_defaults,
  "data": data_defaults,
  "optimizer": optimizer_defaults,
}


def section(name, given, defaults):
  """`given` over `defaults`.

  Raises UserError for a key that `defaults` lacks, and for a missing key without a default.
  """
  check(name, given, defaults)
  for key, default in defaults.items():
    if default is inspect.Parameter.empty and key not in given:
      raise UserError(f"the config must set {name}.{key}")
  return defaults | given


def arguments(function, without=()) -> dict:
  """{argument: default} of a function, except those in `without`."""
  parameters = inspect.signature(function).parameters.items()
  return {k: p.default for k, p in parameters if k not in without and p.kind is not p.VAR_KEYWORD}


def check(name, given, known):
  """Raises UserError for a key of `given` that is not known."""
  for key in given:
    if key not in known:
      raise UserError(
        f"the config's {name} has no {key!r}{nearest(key, known)}; "
        f"it takes {', '.join(sorted(known))}"
      )


def override(config: ConfigDict, assignment: str):
  """Applies "a.b=value", read as the type of the present value.

  Another `name` of a model, network, data set or optimizer brings its own arguments; those that
  both take keep their values. Raises UserError for an unknown key and for a value of another type.
  """
  key, equals, text = assignment.partition("=")
  *path, last = key.split(".")
  where = config
  for part in path:
    where = where.get(part) if isinstance(where, ConfigDict) else None
  # In these a config may have keys that no default has: options of the model's own functions.
  open_section = path in (["sample"], ["evaluate", "log_prob"])
  if not isinstance(where, ConfigDict) or (last not in where and not open_section):
    known = [k for k, _ in flatten(config)]
    raise UserError(f"unknown key --config.{key}{nearest(key, known)}")
  if isinstance(where.get(last), ConfigDict):
    keys = ", ".join(f"{key}.{k}" for k in where[last])
    raise UserError(f"--config.{key} is a section; set one of {keys}")
  if not equals:
    raise UserError(f"--config.{key} needs a value: --config.{key}=...")
  named = [part for part in path if part in BY_NAME]
  with where.unlocked():
    if last == "name" and named:
      rename(where, text, BY_NAME[named[-1]](text))
    else:
      kind = where.get_type(last) if last in where else None
      where[last] = parse(key, text, kind)


def rename(where: ConfigDict, name: str, defaults: dict):
  """Gives a section another `name` and that one's arguments; values of those in both stay."""
  values = defaults | {"name": name}
  for key, value in where.to_dict().items():
    # A network is a section for one model and a name for another: not the same argument.
    same_kind = isinstance(value, dict) == isinstance(defaults.get(key), dict)
    if key not in defaults or not same_kind:
      del where[key]
    elif key != "name":
      values[key] = value
  where.update(values)


def parse(key, text, kind):
  """`text` as a `kind`: bool, int, float, str or tuple.

  With None as the kind it is a Python literal, or else a string. Raises UserError for text of
  another kind.
  """
  try:
    value = ast.literal_eval(text)
  except (ValueError, SyntaxError):
    value = {"true": True, "false": False}.get(text.lower(), text)
  if kind in (None, type(None)):
    return value
  if kind is str:
    return text
  if kind is float and isinstance(value, int) and not isinstance(value, bool):
    return float(value)
  if kind is tuple and isinstance(value, (int, float)):
    return (value,)
  if kind is tuple and isinstance(value, list):
    return tuple(value)
  if type(value) is not kind:
    raise UserError(
      f"--config.{key}={text} needs a value of type {kind.__name__}, such as {EXAMPLES[kind]}"
    )
  return value


EXAMPLES = {bool: "true", int: "100", float: "1e-3", tuple: "(64,64) or ('label',)"}


def flatten(config, prefix=""):
  """Pairs (dotted key, value) of a nested config."""
  for key, value in config.items():
    if isinstance(value, (dict, ConfigDict)) and value:
      yield from flatten(value, f"{prefix}{key}.")
    else:
      yield prefix + key, value


def differences(saved: dict, config: dict) -> list[str]:
  """What makes `config` another run than the one saved: ["model.latent=20, not 10"]."""
  a, b = identity(saved), identity(config)
  found = []
  for key in sorted(a | b):
    # An argument that was added after the run, and is off, makes no difference.
    added_and_off = key not in a and not b[key]
    if a.get(key) != b.get(key) and not added_and_off:
      found.append(f"{key}={a.get(key, 'unset')}, not {b.get(key, 'unset')}")
  return found


def identity(config: dict, prefix: str = "") -> dict:
  """{dotted key: value} of all that identifies a run, with its stages."""
  train = {k: v for k, v in config["train"].items() if k not in MAY_CHANGE}
  sections = {s: config[s] for s in IDENTITY} | {"train": train}
  found = dict(flatten(sections, prefix))
  for name, stage in config["stages"].items():
    found |= identity(stage, f"{prefix}stages.{name}.")
  # JSON has lists for tuples.
  return {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}


def shrink(config: ConfigDict) -> ConfigDict:
  """A version of a config that runs in seconds: two steps, few examples, few samples."""
  config.name += "_smoke"
  if config.train.steps:
    config.train.update(steps=2, steps_per_dispatch=1, log_every=1, save_every=2, sample_every=2)
    for name in "fid_every", "validate_every":
      config.train[name] = min(config.train[name], 2)
  config.data.batch = min(config.data.batch, 16)
  if "examples" in config.data:  # The size of a generated data set.
    config.data.examples = min(config.data.examples, 1000)
  if "n_critic" in config.model:  # The batch is divided into so many parts.
    config.model.n_critic = min(config.model.n_critic, 2)
  network = config.model.get("network", "")
  if isinstance(network, ConfigDict) and network.name == "unet":
    network.hidden = network.hidden[:1]  # Each resolution takes seconds to compile.
  # FID needs more samples than the feature network has features.
  config.evaluate.update(examples=64, batch=32, samples=200)
  config.sample.n = 16
  if "k" in config.evaluate.log_prob:
    config.evaluate.log_prob.k = 2
  return config
