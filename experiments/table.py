"""Regenerates the tables of README.md and docs/ from the evaluations in experiments/results.

  python -m experiments.table                         # regenerates the tables
  python -m experiments.table --check                 # fails where one is stale, and names it
  python -m experiments.table --add runs/vae_digits   # takes a finished run's evaluation.json first

A table stands between the lines `<!-- table: NAME -->` and `<!-- /table -->` of its page.
"""

import argparse
import json
from pathlib import Path
import sys

from experiments import resolve
from experiments.pages import PAGES, ROOT
from genjax_zoo.core import UserError
from genjax_zoo.run import read_description

RESULTS = ROOT / "experiments/results"


def read(folder: Path) -> dict[str, dict]:
  """{config: evaluation} of a folder's files CONFIG.json. Raises UserError for a misnamed one."""
  results = {}
  for path in sorted(folder.glob("*.json")):
    try:
      evaluation = json.loads(path.read_text(encoding="utf-8"))
      named = evaluation["config"] == path.stem
    except (ValueError, LookupError, TypeError):
      named = False
    if not named:
      raise UserError(
        f"{path} is not an evaluation of {path.stem}; delete it, and --add the run's folder"
      )
    results[path.stem] = evaluation
  return results


def add(run: Path, folder: Path) -> Path:
  """Copies evaluation.json of a run of a committed config to folder/CONFIG.json; returns the path.

  Raises UserError for a run that is not finished, or was trained or measured in another way than
  its config says.
  """
  config = read_description(run)[0]
  name = config["name"]
  if name.endswith("_smoke"):
    raise UserError(f"{run} is a smoke run; its numbers mean nothing")
  try:
    evaluation = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
  except (OSError, ValueError) as e:
    raise UserError(
      f"{run}/evaluation.json can't be read: the run is not finished; "
      "the command that began it continues it"
    ) from e
  check_finished(run, config, evaluation)
  check_committed(run, config)
  if evaluation["split"] != "test":
    raise UserError(
      f"{run} was measured on {evaluation['split']!r}; "
      "evaluate it with --mode=evaluate --config.evaluate.split=test"
    )
  folder.mkdir(exist_ok=True)
  copy = folder / f"{name}.json"
  copy.write_bytes((run / "evaluation.json").read_bytes())
  return copy


def check_finished(run: Path, config: dict, evaluation: dict):
  """Raises UserError for an evaluation before the last step."""
  step, steps = evaluation["step"], config["train"]["steps"]
  if step < steps:
    raise UserError(f"{run} is not finished: it was evaluated at step {step} of {steps}")
  if not evaluation["training"]:
    raise UserError(f"{run} has no training.json: the command that began it writes one")


def check_committed(run: Path, config: dict):
  """Raises UserError for a run trained or measured otherwise than its committed config."""
  name = config["name"]
  check_trained(run, config)
  committed = resolve.resolve(f"configs/{name}.py").to_dict()
  ours, theirs = measurement(config), measurement(committed)
  if changed := [k for k in sorted(ours | theirs) if ours.get(k) != theirs.get(k)]:
    flags = " ".join(f"--config.{k}={theirs.get(k)}" for k in changed)
    raise UserError(f"{run} was not measured as configs/{name}.py says: --mode=evaluate {flags}")


def check_trained(run: Path, config: dict):
  """Raises UserError for a run that was trained otherwise than its committed config."""
  name = config["name"]
  committed = resolve.resolve(f"configs/{name}.py").to_dict()
  different = resolve.differences(config, committed)
  for ours, theirs in zip(all_steps(config), all_steps(committed)):
    if ours != theirs:
      different.append(f"{ours} steps, not {theirs}")
  if different:
    raise UserError(f"{run} is not what configs/{name}.py trains: {different[0]}")


def all_steps(config: dict) -> list[int]:
  """The training steps of a config and of its stages."""
  stages = [steps for stage in config["stages"].values() for steps in all_steps(stage)]
  return [config["train"]["steps"], *stages]


def measurement(config: dict) -> dict:
  """{dotted key: value} of how a config's runs are measured."""
  other = {"evaluate": ("split", "sweep"), "sample": ("n", "seed")}
  sections = {
    name: {k: v for k, v in config[name].items() if k not in skipped}
    for name, skipped in other.items()
  }
  return dict(resolve.flatten(sections))


def fill(page: str, text: str, results: dict[str, dict]) -> tuple[str, list[str]]:
  """A page with its tables regenerated, and the names of those that changed.

  Raises UserError where a table's lines are missing.
  """
  changed = []
  for name, (make, root) in PAGES[page].items():
    begin = f"<!-- table: {name} -->\n"
    end = "<!-- /table -->"
    before, marker, rest = text.partition(begin)
    old, closing, after = rest.partition(end)
    if not closing:
      raise UserError(f"{page} has no table between the lines {begin.strip()} and {end}")
    new = make(results, root)
    if old != new:
      changed.append(name)
    text = before + marker + new + closing + after
  return text, changed


def main(arguments, root: Path = ROOT, folder: Path = RESULTS):
  """Runs the command. Raises UserError for what the user can mend, and with --check if stale."""
  parser = argparse.ArgumentParser(
    prog="python -m experiments.table", description="Regenerates the tables of README.md and docs."
  )
  parser.add_argument("--check", action="store_true", help="change nothing; fail if one is stale")
  parser.add_argument(
    "--add",
    nargs="+",
    default=[],
    metavar="RUN",
    type=Path,
    help="run folders to take results from",
  )
  options = parser.parse_args(arguments)
  for run in options.add:
    print(f"added {add(run, folder)}")
  results = read(folder)
  for page in PAGES:
    path = root / page
    text, changed = fill(page, path.read_text(encoding="utf-8"), results)
    if options.check and changed:
      tables = ", ".join(changed)
      raise UserError(f"{page} is stale in the table {tables}: run python -m experiments.table")
    if changed:
      path.write_text(text, encoding="utf-8")
    print(f"{page}: {', '.join(changed)} regenerated" if changed else f"{page} is up to date")


if __name__ == "__main__":
  try:
    main(sys.argv[1:])
  except UserError as e:
    sys.exit(f"error: {e}")
