"""The Python file of a config: found by its name or path, and run."""

import importlib.util
from pathlib import Path
import traceback

from ml_collections import ConfigDict

from genjax_zoo.core import UserError, nearest, similar

HERE = Path(__file__).parent


def find(path: str) -> tuple[Path, str]:
  """(the file of a config, its variant "smoke" or ""). Raises UserError where there is none.

  A colon is part of a path, unless a config's name stands before it.
  """
  if file := look_up(path):
    return file, ""
  before, _, variant = path.rpartition(":")
  file = before and look_up(before)
  if file and variant == "smoke":
    return file, variant
  if file:
    raise UserError(f"unknown variant :{variant} of {before}; there is :smoke")
  stem = Path(path.removesuffix(":smoke")).stem
  known = {p.stem: f"configs/{p.name}" for p in (HERE / "configs").glob("[a-z]*.py")}
  near = nearest(f"configs/{stem}.py", known.values())
  raise UserError(f"no config {path}{near}; there are {similar(stem, known)}")


def look_up(path: str) -> Path | None:
  """The file of a path, or of a config's name, with or without its ending."""
  for name in (path, f"{path}.py"):
    for file in (Path(name), HERE / name, HERE / "configs" / name):
      if file.is_file():
        return file
  return None


def load(file: Path) -> ConfigDict:
  """The config that a file's get_config() returns.

  Raises UserError, with the line, when it has none and when the file can't be run.
  """
  spec = importlib.util.spec_from_file_location(file.stem, file)
  if spec is None:
    raise UserError(f"{file} is not a Python file")
  module = importlib.util.module_from_spec(spec)
  try:
    spec.loader.exec_module(module)
    if not hasattr(module, "get_config"):
      raise UserError(f"{file} has no get_config(), the function that returns the config")
    config = module.get_config()
  except UserError:
    raise
  except SyntaxError as e:
    raise UserError(f"{e.filename or file}, line {e.lineno}: {e.msg}") from e
  except Exception as e:
    lines = [x.lineno for x in traceback.extract_tb(e.__traceback__) if x.filename == str(file)]
    reason = (str(e).splitlines() or [""])[0]
    raise UserError(f"{file}, line {(lines or [1])[-1]}: {type(e).__name__}: {reason}") from e
  if not isinstance(config, ConfigDict):
    raise UserError(f"{file}: get_config() must return a ConfigDict, not {type(config).__name__}")
  return config
