"""The tables of README.md, from the evaluations in experiments/results:

python -m experiments.table                         # writes them anew
# exits with 1, naming the table, where README.md is stale
python -m experiments.table --check
# takes in a finished run's evaluation.json first
python -m experiments.table --add runs/vae_digits
"""

import argparse
import ast
import json
from pathlib import Path
import re
import sys

from experiments import resolve as configs
from genjax_zoo.core import UserError
from genjax_zoo.log import duration
from genjax_zoo.report.page import number
from genjax_zoo.report.run_page import SIGNS
from genjax_zoo.run import read_description

ROOT = Path(__file__).parent.parent
README, RESULTS = ROOT / "README.md", ROOT / "experiments/results"
HEAD = "model", "paper", "config", "−log p(x) of test data", "FID", "training"
EMPTY = (
  "There are no results yet: train a config, then `python -m experiments.table --add runs/CONFIG`."
)


def models(results: dict[str, dict]) -> str:
  """The table of all results, {config: evaluation}, in Markdown: a data set after the other."""
  rows = [HEAD, ["---"] * len(HEAD)]
  rows += [
    row(results[name]) for name in sorted(results, key=lambda name: (results[name]["data"], name))
  ]
  lines = [f"| {' | '.join(cells)} |" for cells in rows]
  features = sorted({e["quality"]["features"] for e in results.values() if e.get("quality")})
  seen = f"FID is measured in the features {', '.join(f'`{f}`' for f in features)}; in others it is another number."
  return "\n".join([*lines, "", EMPTY if not results else seen if features else ""]).rstrip() + "\n"


TABLES = {"models": models}


def row(evaluation: dict) -> list[str]:
  """The cells of an evaluation. Raises UserError where its model or config is not in the
  repository.
  """
  name, config = evaluation["model"], evaluation["config"]
  found = next((ROOT / "genjax_zoo/models").glob(f"*/{name}.py"), ROOT / f"{name}.py")
  files = {name: str(found.relative_to(ROOT)), config: f"experiments/configs/{config}.py"}
  for file in files.values():
    if not (ROOT / file).is_file():
      raise UserError(
        f"experiments/results/{config}.json is of {file}, which is not there: delete the result"
      )
  quality, training = evaluation.get("quality"), evaluation["training"]
  return [
    f"[{name}]({files[name]})",
    paper(ast.get_docstring(ast.parse((ROOT / files[name]).read_text(encoding="utf-8"))) or ""),
    f"[{config}]({files[config]})",
    likelihood(evaluation.get("likelihood")),
    f"{number(quality['fid'])} ({quality['samples']:,} samples)" if quality else "",
    f"{duration(training['seconds'])}, {training['device']}" if training.get("seconds") else "",
  ]


def paper(docstring: str) -> str:
  """Authors and year of the paper that the first line of a docstring names in brackets, linked to
  arXiv.
  """
  text = " ".join(docstring.split("\n\n")[0].split())
  found = re.search(r"\(([^()]+? \d{4}), arXiv:([\w./-]*\w)", text) or re.search(
    r"\(([^()]+ \d{4})()[^()]*\)", text
  )
  if not found:
    return ""
  authors, arxiv = found.groups()
  return f"{authors}, [{arxiv}](https://arxiv.org/abs/{arxiv})" if arxiv else authors


def likelihood(found: dict | None) -> str:
  """ "≤ 2.257 ± 0.012 bits/dim": of integers of more than two levels; nats of the rest."""
  if not found:
    return ""
  nats, error, unit = -found["nats"], found.get("standard_error"), "nats"
  if found.get("bits_per_dim") is not None and not found.get("binarization"):
    bits, unit = found["bits_per_dim"], "bits/dim"
    nats, error = bits, error and error * abs(bits / nats)
  digits = 3 if unit == "bits/dim" else 2
  value = f"{nats:.{digits}f}".replace("-", "−")
  return f"{SIGNS[found['kind']]} {value}{f' ± {error:.{digits}f}' if error else ''} {unit}"


def read(folder: Path) -> dict[str, dict]:
  """{config: evaluation} of the files CONFIG.json in a folder. Raises UserError for one of another
  config.
  """
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


def measured(config: dict) -> dict:
  """{dotted key: value} of how a config's runs are measured."""
  without = lambda section, *keys: {k: v for k, v in config[section].items() if k not in keys}
  return dict(
    configs.flatten(
      {"evaluate": without("evaluate", "split"), "sample": without("sample", "n", "seed")}
    )
  )


def add(run: Path, folder: Path) -> Path:
  """Copies the evaluation.json of a run of a committed config into a folder, as CONFIG.json, and
  returns its path.

  Raises UserError for a run that is not finished, or was trained or measured otherwise than its
  config says.
  """
  config = read_description(run)[0]
  name, path = config["name"], run / "evaluation.json"
  if name.endswith("_smoke"):
    raise UserError(f"{run} is a smoke run; its numbers mean nothing")
  try:
    evaluation = json.loads(path.read_text(encoding="utf-8"))
  except (OSError, ValueError) as e:
    raise UserError(
      f"{path} can't be read: the run is not finished; the command that began it goes on"
    ) from e
  if evaluation["step"] < config["train"]["steps"]:
    raise UserError(
      f"{run} is not finished: it was evaluated at step {evaluation['step']} of {config['train']['steps']}"
    )
  committed = configs.resolve(f"configs/{name}.py").to_dict()
  steps = lambda c: [
    c["train"]["steps"],
    *(n for stage in c["stages"].values() for n in steps(stage)),
  ]
  other = configs.differences(config, committed)
  other += [f"{a} steps, not {b}" for a, b in zip(steps(config), steps(committed)) if a != b]
  if other:
    raise UserError(f"{run} is not what configs/{name}.py trains: {other[0]}")
  ours, theirs = measured(config), measured(committed)
  if other := [k for k in sorted(ours | theirs) if ours.get(k) != theirs.get(k)]:
    told = " ".join(f"--config.{k}={theirs.get(k)}" for k in other)
    raise UserError(f"{run} was not measured as configs/{name}.py says: --mode=evaluate {told}")
  if evaluation["split"] != "test":
    raise UserError(
      f"{run} was measured on {evaluation['split']!r}; evaluate it with --mode=evaluate --config.evaluate.split=test"
    )
  folder.mkdir(exist_ok=True)
  (folder / f"{name}.json").write_bytes(path.read_bytes())
  return folder / f"{name}.json"


def fill(text: str, results: dict[str, dict]) -> tuple[str, list[str]]:
  """A README with its tables written anew, and the names of those that changed.

  A table stands between the lines `<!-- table: NAME -->` and `<!-- /table -->`. Raises UserError
  where one is missing.
  """
  changed = []
  for name, make in TABLES.items():
    begin, end = f"<!-- table: {name} -->\n", "<!-- /table -->"
    before, marker, rest = text.partition(begin)
    old, closing, after = rest.partition(end)
    if not closing:
      raise UserError(f"README.md has no table between the lines {begin.strip()} and {end}")
    new = make(results)
    changed += [name] if old != new else []
    text = before + marker + new + closing + after
  return text, changed


def main(arguments, readme: Path = README, folder: Path = RESULTS):
  """What the command does. Raises UserError for what the user can mend, stale tables with --check
  among it.
  """
  parser = argparse.ArgumentParser(
    prog="python -m experiments.table", description="Writes the tables of README.md."
  )
  parser.add_argument(
    "--check", action="store_true", help="change nothing; fail where a table is stale"
  )
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
  text, changed = fill(readme.read_text(encoding="utf-8"), read(folder))
  if options.check and changed:
    raise UserError(
      f"README.md is stale in the table {', '.join(changed)}: run python -m experiments.table"
    )
  if changed:
    readme.write_text(text, encoding="utf-8")
  print(f"README.md: {', '.join(changed)} written anew" if changed else "README.md is up to date")


if __name__ == "__main__":
  try:
    main(sys.argv[1:])
  except UserError as e:
    sys.exit(f"error: {e}")
