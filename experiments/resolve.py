"""Configs: Python files whose keys are the keyword arguments of the functions they name.

`resolve` completes a config with those functions' defaults, so that every argument can be set on
the command line and the run folder tells all that was used.
"""

import ast
import importlib.util
import inspect
from pathlib import Path

from ml_collections import ConfigDict

from genjax_zoo import data, loop
from genjax_zoo.build import constructor, optax_function, optimizer, stages_of
from genjax_zoo.core import UserError, nearest
from genjax_zoo.models.diffusion._network import NETWORKS

HERE = Path(__file__).parent
TRAIN = dict(ema=0.0, accumulate=1, sample_every=0, fid_every=0, validate_every=0)
EVALUATE = dict(
  split="test", batch=500, examples=0, repeats=1, log_prob={}, samples=1000, features="auto"
)
SAMPLE = dict(n=64, seed=0)
# And most of `train`: what a run folder is a run of.
IDENTITY = "model", "data", "optimizer", "schedules"
# Of `train`, in a run that is resumed.
MAY_CHANGE = "steps", "log_every", "save_every", "sample_every", "fid_every", "validate_every"


def resolve(path: str) -> ConfigDict:
  """The config of `path[:smoke]` with every default filled in, and those of its stages under
  `stages`.

  A relative path that is not found is looked for under experiments/. Raises UserError for a file
  that isn't there and for a key that the function it is for doesn't take, naming the nearest.
  """
  path, _, variant = path.partition(":")
  if variant not in ("", "smoke"):
    raise UserError(f"unknown variant :{variant} of {path}; there is :smoke")
  file = next((p for p in (Path(path), HERE / path) if p.is_file()), None)
  if file is None:
    known = sorted(f"configs/{p.name}" for p in (HERE / "configs").glob("[a-z]*.py"))
    raise UserError(f"no config {path}{nearest(path, known)}; there are {', '.join(known)}")
  spec = importlib.util.spec_from_file_location(file.stem, file)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  if not hasattr(module, "get_config"):
    raise UserError(f"{file} has no get_config(), the function that returns the config")
  given = module.get_config().to_dict()
  config = complete(file.stem, given)
  config.stages = {
    k: resolve(p + (":smoke" if variant else "")) for k, p in given.get("stages", {}).items()
  }
  return shrink(config) if variant else config


def complete(name: str, given: dict) -> ConfigDict:
  """A config's sections, each with the defaults of the function that takes it."""
  sections = "model", "data", "optimizer", "schedules", "train", "evaluate", "sample", "stages"
  check(name, given, sections)
  model, source = given.get("model", {}), {"name": "digits"} | given.get("data", {})
  players = "tx" in inspect.signature(constructor(model.get("name", ""))).parameters
  updates = given.get("optimizer", {})
  by_name = lambda options: section(
    "optimizer", options, optimizer_defaults(options.get("name", "adam"))
  )
  train = arguments(loop.train, {"learner", "data", "log", "workdir", "frozen", "hooks"}) | TRAIN
  config = dict(
    name=name,
    model=complete_model(model["name"], model),
    data=section("data", source, data_defaults(source["name"])),
    optimizer={player: by_name(options) for player, options in updates.items()}
    if players
    else by_name(updates),
    schedules=given.get("schedules", {}),
    train=section("train", given.get("train", {}), train),
    evaluate=section("evaluate", given.get("evaluate", {}), EVALUATE),
    sample=SAMPLE | given.get("sample", {}),
    stages={},
  )
  return ConfigDict(config)


def complete_model(name: str, given: dict) -> dict:
  """A config's `model`, with the defaults of the constructor and of the network that it names."""
  defaults = model_defaults(name)
  model = section("model", given, defaults)
  if isinstance(defaults.get("network"), dict):
    network = {"name": defaults["network"]["name"]} | dict(model["network"])
    model["network"] = section("model.network", network, network_defaults(network["name"]))
  return model


def network_defaults(name: str) -> dict:
  """The arguments of a diffusion model's network, without those that the model sets."""
  if name not in NETWORKS:
    known = ", ".join(NETWORKS)
    raise UserError(f"unknown model.network.name={name!r}{nearest(name, NETWORKS)}; take {known}")
  return {"name": name} | arguments(NETWORKS[name], {"channels"})


def model_defaults(name) -> dict:
  """The arguments of a model's constructor that a config sets."""
  construct = constructor(name)
  return {"name": name} | arguments(construct, {"data", "tx", "ema"} | stages_of(construct))


def data_defaults(name) -> dict:
  """The arguments of a data set."""
  return data.options(name) | {"batch": 128}


def optimizer_defaults(name) -> dict:
  """The arguments of `optimizer`, and optax's own numbers for the one of this name."""
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
  """`given` over `defaults`, whose keys are the only ones allowed; one without a default must be
  given.
  """
  check(name, given, defaults)
  if missing := [k for k, v in defaults.items() if v is inspect.Parameter.empty and k not in given]:
    raise UserError(f"the config must set {name}.{missing[0]}")
  return defaults | given


def arguments(function, without=()) -> dict:
  """{argument: default} of a function, but for `without`."""
  parameters = inspect.signature(function).parameters
  return {
    k: p.default for k, p in parameters.items() if k not in without and p.kind is not p.VAR_KEYWORD
  }


def check(name, given, known):
  """Raises UserError for a key that is not known."""
  for key in given:
    if key not in known:
      raise UserError(
        f"the config's {name} has no {key!r}{nearest(key, known)}; it takes {', '.join(sorted(known))}"
      )


def override(config: ConfigDict, assignment: str):
  """Applies `a.b=value`, read as the type of what is there.

  Another `name` of a model, data set or optimizer brings that one's arguments; those that both take
  stay.
  """
  key, equals, text = assignment.partition("=")
  known = [k for k, _ in flatten(config)]
  *path, last = key.split(".")
  where = config
  for part in path:
    where = where.get(part) if isinstance(where, ConfigDict) else None
  open_section = path in (["sample"], ["evaluate", "log_prob"])
  if not isinstance(where, ConfigDict) or (last not in where and not open_section):
    raise UserError(f"unknown key --config.{key}{nearest(key, known)}")
  if isinstance(where.get(last), ConfigDict):
    raise UserError(
      f"--config.{key} is a section; set one of {', '.join(f'{key}.{k}' for k in where[last])}"
    )
  if not equals:
    raise UserError(f"--config.{key} needs a value: --config.{key}=...")
  kind = where.get_type(last) if last in where else None
  kinds = [part for part in path if part in BY_NAME]
  with where.unlocked():
    if last == "name" and kinds:
      defaults, before = BY_NAME[kinds[-1]](text), where.to_dict()
      for k in before.keys() - defaults.keys():
        del where[k]
      # A network that is a section and one that is a name are not the same argument.
      alike = lambda k: isinstance(before[k], dict) == isinstance(defaults[k], dict)
      stay = {k: v for k, v in before.items() if k in defaults and alike(k)}
      where.update(defaults | stay | {"name": text})
    else:
      where[last] = parse(key, text, kind)


def parse(key, text, kind):
  """`text` as a `kind`: bool, int, float, str or tuple; as a Python literal or a string when None."""
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
  if kind is tuple and isinstance(value, (int, float, list)):
    return tuple(value) if isinstance(value, list) else (value,)
  if type(value) is not kind:
    raise UserError(
      f"--config.{key}={text} needs a value of type {kind.__name__}, such as {EXAMPLES[kind]}"
    )
  return value


EXAMPLES = {bool: "true", int: "100", float: "1e-3", tuple: "(64,64)"}


def flatten(config, prefix=""):
  """Pairs (dotted key, value) of a nested config."""
  for k, v in config.items():
    if isinstance(v, (dict, ConfigDict)) and v:
      yield from flatten(v, f"{prefix}{k}.")
    else:
      yield prefix + k, v


def differences(saved: dict, config: dict) -> list[str]:
  """What makes `config` another run than the one saved: ["model.latent=20, not 10"]."""

  def identity(config, prefix=""):
    """{dotted key: value} of what a run is a run of, stages included."""
    train = {k: v for k, v in config["train"].items() if k not in MAY_CHANGE}
    own = dict(flatten({s: config[s] for s in IDENTITY} | {"train": train}, prefix))
    for name, stage in config["stages"].items():
      own |= identity(stage, f"{prefix}stages.{name}.")
    return {k: tuple(v) if isinstance(v, list) else v for k, v in own.items()}

  a, b = identity(saved), identity(config)
  # An argument that is newer than the run, and off, makes no difference.
  same = lambda k: a.get(k) == b.get(k) or (k not in a and not b[k])
  return [f"{k}={a.get(k, 'unset')}, not {b.get(k, 'unset')}" for k in sorted(a | b) if not same(k)]


def shrink(config: ConfigDict) -> ConfigDict:
  """The same in a few seconds: two steps, few examples, few samples."""
  config.name += "_smoke"
  if config.train.steps:
    config.train.update(steps=2, steps_per_dispatch=1, log_every=1, save_every=2, sample_every=2)
    for name in "fid_every", "validate_every":
      config.train[name] = min(config.train[name], 2)
  config.data.batch = min(config.data.batch, 16)
  if "examples" in config.data:  # Of a set that is drawn.
    config.data.examples = min(config.data.examples, 1000)
  if "n_critic" in config.model:  # Parts of the batch.
    config.model.n_critic = min(config.model.n_critic, 2)
  network = config.model.get("network", "")
  if isinstance(network, ConfigDict) and network.name == "unet":
    network.hidden = network.hidden[:1]  # Resolutions: all are seconds of compilation.
  config.evaluate.examples = 64
  # More than any committed net has features: FID asks for it.
  config.evaluate.update(batch=32, samples=200)
  config.sample.n = 16
  if "k" in config.evaluate.log_prob:
    config.evaluate.log_prob.k = 2
  return config
