"""The values that the numbers of a config may have, checked before anything is loaded or trained.

Sizes of models are checked by their constructors' signatures (`check_sizes`), options of `sample`
and `log_prob` by those of the model's functions (`inputs.options`).
"""

from collections.abc import Mapping

from genjax_zoo.core import UserError

# {key: (type, least value, value that it must be below)}; None is no bound.
RANGES = {
  "data.batch": (int, 0, None),  # 0: all examples.
  "data.examples": (int, 1, None),
  "data.memory": (int, 0, None),
  "data.seed": (int, 0, 2**32),
  "data.size": (int, 1, None),
  "data.validation": (float, 0, None),
  "train.accumulate": (int, 1, None),
  "train.ema": (float, 0, 1),
  "train.fid_every": (int, 0, None),
  "train.fsdp_min_size": (int, 0, None),
  "train.log_every": (int, 1, None),
  "train.sample_every": (int, 0, None),
  "train.save_every": (int, 1, None),
  "train.seed": (int, 0, 2**32),
  "train.steps": (int, 0, None),
  "train.steps_per_dispatch": (int, 1, None),
  "train.validate_every": (int, 0, None),
  "optimizer.b1": (float, 0, 1),
  "optimizer.b2": (float, 0, 1),
  "optimizer.clip_norm": (float, 0, None),
  "optimizer.eps": (float, 0, None),
  "optimizer.learning_rate": (float, 0, None),
  "optimizer.steps": (int, 0, None),
  "optimizer.warmup_steps": (int, 0, None),
  "optimizer.weight_decay": (float, 0, None),
  "evaluate.batch": (int, 1, None),
  "evaluate.examples": (int, 0, None),  # 0: all.
  "evaluate.repeats": (int, 1, None),
  "evaluate.samples": (int, 0, None),  # 0: quality is not measured.
  "evaluate.seconds": (float, 0, None),
  "evaluate.sweep.samples": (int, 0, None),  # 0: there is no sweep.
  "sample.n": (int, 1, None),
  "sample.seed": (int, 0, 2**32),
}
# The least value that is not 0: KID takes ten blocks of two.
FEWEST = {"evaluate.samples": 20, "evaluate.sweep.samples": 20}


def check(config: Mapping, prefix: str = ""):
  """Raises UserError, naming the key, for a number of a config, or of its stages', out of range."""
  for name, section in config.items():
    for path, key, value in numbers(name, section) if isinstance(section, Mapping) else ():
      wanted = RANGES.get(key)
      if wanted and value is not None and not fits(key, value, *wanted):
        raise UserError(f"{prefix}{path}={value!r}: it must be {words(key, *wanted)}")
  for name, stage in config.get("stages", {}).items():
    check(stage, f"{prefix}stages.{name}.")


def numbers(name: str, section: Mapping):
  """(path, key of RANGES, value) of a section; the optimizer of a player is an optimizer."""
  for key, value in section.items():
    if isinstance(value, Mapping):
      known = name if name == "optimizer" else f"{name}.{key}"
      for last, number in value.items():
        yield f"{name}.{key}.{last}", f"{known}.{last}", number
    else:
      yield f"{name}.{key}", f"{name}.{key}", value


def fits(key: str, value, kind, least, below) -> bool:
  """Whether a value is a number of a kind in [least, below)."""
  numeric = (int,) if kind is int else (int, float)
  if isinstance(value, bool) or not isinstance(value, numeric):
    return False
  if value and value < FEWEST.get(key, value):
    return False
  return least <= value and (below is None or value < below) and value < float("inf")


def words(key: str, kind, least, below) -> str:
  """A range in words: "an integer, 0 or 20 or more"."""
  text = "an integer" if kind is int else "a number"
  text += f", {least} or {FEWEST[key]} or more" if key in FEWEST else f", {least} or more"
  return text if below is None else f"{text} and below {below}"
