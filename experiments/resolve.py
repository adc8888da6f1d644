"""Configs: Python files whose keys are the keyword arguments of the functions they name.

`resolve` completes a config with those functions' defaults, so that every argument can be set on
the command line and a run folder records every value.
"""

import ast
from collections.abc import Mapping
import inspect
from pathlib import Path
import shlex

from ml_collections import ConfigDict

from experiments.config_file import HERE as HERE, find, load
from genjax_zoo import data, loop
from genjax_zoo.build import constructor, optax_function, optimizer, stages_of
from genjax_zoo.core import UserError, nearest
from genjax_zoo.models.diffusion._network import NETWORKS
from genjax_zoo.run import tuples

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
  "seconds": 1800.0,  # The longest pass over the test examples; the rest of them is left out.
  "sweep": {"samples": 0},  # And {option of `sample`: values}, see metrics/sweep.py.
}
SAMPLE = {"n": 64, "seed": 0}
# What identifies a run: these sections, and all of `train` but the keys that may change when it is
# resumed.
IDENTITY = "model", "data", "optimizer", "schedules"
MAY_CHANGE = "steps", "log_every", "save_every", "sample_every", "fid_every", "validate_every"


def resolve(path: str) -> ConfigDict:
  """The config of `path[:smoke]` with all defaults, and with the configs of its stages.

  "vae_digits" and "configs/vae_digits.py" are looked for under experiments/ too. Raises UserError
  for a file that isn't there or can't be run, and for a key that the function it names doesn't
  take.
  """
  file, variant = find(path)
  given = load(file).to_dict()
  config = complete(file.stem, given)
  suffix = ":smoke" if variant else ""
  config.stages = {name: resolve(p + suffix) for name, p in given.get("stages", {}).items()}
  config.path = path  # As the user wrote it.
  return shrink(config) if variant else config


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
  evaluate = section("evaluate", given.get("evaluate", {}), EVALUATE)
  return ConfigDict(
    dict(
      name=name,
      model=complete_model(model["name"], model),
      data=section("data", source, data_defaults(source["name"])),
      optimizer=optimizers,
      schedules=given.get("schedules", {}),
      train=section("train", given.get("train", {}), train),
      evaluate=evaluate | {"sweep": EVALUATE["sweep"] | evaluate["sweep"]},
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
  return {"name": name} | arguments(NETWORKS[name], {"channels", "axes"})


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
  both take keep their values. Schedules are those of a model's loss: another model has none. What
  is said of data, but for `batch`, is said of those of earlier stages too, where both had the same
  value. Raises UserError for an unknown key and for a value of another type.
  """
  key, equals, text = assignment.partition("=")
  *path, last = key.split(".")
  if path == ["sample", "given"] and "given" not in config.sample:
    config.sample.given = ConfigDict()
  where = config
  for part in path:
    above = where
    where = where.get(part) if isinstance(where, ConfigDict) else None
  # In these a config may have keys that no default has: options of the model's own functions.
  is_sweep = path == ["evaluate", "sweep"]
  open_section = is_sweep or path in (["sample"], ["sample", "given"], ["evaluate", "log_prob"])
  if not isinstance(where, ConfigDict) or (last not in where and not open_section):
    raise UserError(f"unknown key --config.{key}{near_keys(key, config)}")
  if isinstance(where.get(last), ConfigDict):
    keys = ", ".join(f"{key}.{k}" for k in where[last])
    raise UserError(f"--config.{key} is a section; set one of {keys}")
  if not equals:
    raise UserError(f"--config.{key} needs a value: --config.{key}=...")
  named = [part for part in path if part in BY_NAME]
  before = where.get(last)
  with where.unlocked():
    if last == "name" and named:
      if path[-1] == "model" and text != where.name:
        above.schedules = ConfigDict()
      rename(where, text, BY_NAME[named[-1]](text))
    else:
      kind = where.get_type(last) if last in where else tuple if is_sweep else None
      where[last] = parse(key, text, kind)
  if path == ["data"] and last != "batch":
    for stage in config.stages.values():
      if stage.data.get(last) == before:
        override(stage, assignment)


def near_keys(key: str, config: ConfigDict) -> str:
  """The end of an error: the keys of a config with the last part of a key, or the nearest one.

  The initials of a part stand for it: "lr".
  """
  known = [k for k, _ in flatten(config)]
  last = key.rpartition(".")[2]
  initials = lambda part: "".join(word[:1] for word in part.split("_"))
  same = [k for k in known if last in (k.rpartition(".")[2], initials(k.rpartition(".")[2]))]
  if len(last) > 1 and same:
    return f", did you mean {' or '.join(map(repr, same[:3]))}?"
  return nearest(key, known)


def not_a_flag(name: str, path: str, flags) -> str:
  """The error for an unknown flag --name, near one of `flags` or a key of the config at `path`."""
  try:
    near = nearest(name, flags) or near_keys(name, resolve(path or "vae_digits"))
  except UserError:
    near = ""
  return (
    f"--{name} is not a flag; keys of the config are set by --config.KEY=VALUE, such as "
    f"--config.train.steps=1000{near}"
  )


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
  if kind is tuple and isinstance(value, str):
    # In a shell ('label',) and () have to be in quotes.
    return tuple(filter(None, value.split(",")))
  if type(value) is not kind:
    raise UserError(
      f"--config.{key}={text} needs a value of type {kind.__name__}, such as {EXAMPLES[kind]}"
    )
  return value


EXAMPLES = {bool: "true", int: "100", float: "1e-3", tuple: "64,64 or label"}


def with_command(config: dict, folder: Path) -> dict:
  """A resolved config with the command that trains it in a run folder, where its file is there."""
  try:
    changes = assignments(config)
  except (KeyError, UserError):  # Runs from before configs had a path; a file that has moved.
    return config
  where = [] if folder == Path("runs") / config["name"] else [f"--workdir={folder}"]
  flags = shlex.join([f"--config={config['path']}", *where, *changes])
  return config | {"command": f"python -m experiments.main {flags}"}


def assignments(config: Mapping) -> list[str]:
  """--config.KEY=VALUE of all that differs from the file of a resolved config; names come first.

  Another name brings its own defaults, from which the other values may then differ. Data come
  before those of stages, which follow them.
  """
  plain = resolve(config["path"])
  known = dict(flatten(plain.to_dict()))
  found = []
  for names in True, False:
    for key, value in flatten(config):
      same = key in known and tuples(known[key]) == tuples(value)
      if same or key.endswith(".name") != names or key in ("path", "command"):
        continue
      found.append(f"--config.{key}={value}")
      if names or key.startswith("data."):
        override(plain, f"{key}={value}")
        known = dict(flatten(plain.to_dict()))
  return found


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


# Sizes of a network in a smoke run, at most.
SMALL = {"width": 64, "depth": 2, "blocks": 2, "layers": 2}


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
  for sizes in config.model, network:
    if isinstance(sizes, ConfigDict):
      sizes.update({k: min(sizes[k], most) for k, most in SMALL.items() if sizes.get(k)})
  if isinstance(network, ConfigDict) and network.name == "unet":
    network.update(hidden=(min(network.hidden[0], 32),), blocks=1)  # Each takes seconds to compile.
  # FID needs more samples than the feature network has features.
  config.evaluate.update(examples=64, batch=32, samples=200)
  config.sample.n = 16
  if "steps" in config.sample:
    config.sample.steps = min(config.sample.steps, 8)
  if "k" in config.evaluate.log_prob:
    config.evaluate.log_prob.k = 2
  return config
