"""Model.parts: every key is documented in core, and means the same function of every model."""

import inspect

import pytest

from experiments import resolve
from genjax_zoo.core import PARTS
from genjax_zoo.data import load
from genjax_zoo.run import describe, learner_of

CONFIGS = sorted(p.stem for p in (resolve.HERE / "configs").glob("[a-z]*.py"))
NEEDS_FILES = "tfds:", "npz:", "folder:", "pairs:", "domains:", "meshes:", "points:", "stacked:tfds"


def model_of(config: dict):
  """The Model of a config and the description of its data, stages too."""
  data = load(**{k: v for k, v in config["data"].items() if k != "batch"})
  stages = {name: describe_config(stage) for name, stage in config["stages"].items()}
  return learner_of(config, describe(data.fields, config["data"]["batch"], stages))[0].model


def describe_config(config: dict) -> dict:
  data = load(**{k: v for k, v in config["data"].items() if k != "batch"})
  stages = {name: describe_config(stage) for name, stage in config["stages"].items()}
  return describe(data.fields, config["data"]["batch"] or 64, stages)


def models():
  """One config of each model whose data a clone has."""
  found = {}
  for name in CONFIGS:
    config = resolve.resolve(f"configs/{name}.py:smoke")
    if not config.data.name.startswith(NEEDS_FILES):
      found.setdefault(config.model.name, name)
  return sorted(found.values())


@pytest.mark.parametrize("name", models())
def test_parts_are_documented_and_take_the_same_arguments(name):
  model = model_of(resolve.resolve(f"configs/{name}.py:smoke").to_dict())
  for key, part in model.parts.items():
    assert key in PARTS, key
    arguments = PARTS[key].split(", ")
    parameters = list(inspect.signature(part).parameters.values())
    assert [p.name for p in parameters[: len(arguments)]] == arguments, key
    rest = parameters[len(arguments) :]
    assert all(p.default is not p.empty or p.kind is p.VAR_KEYWORD for p in rest), key
