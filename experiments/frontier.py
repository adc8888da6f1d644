"""The quality of samples against their seconds: docs/frontier.png from docs/frontier.json:

  python -m experiments.frontier [runs/zoo_digits/results.json]

With the results of a comparison, whose runs have a sweep, it takes these into docs/frontier.json
first. `python -m experiments.table` writes their table.
"""

from collections.abc import Mapping, Sequence
import itertools
from pathlib import Path
import sys

from genjax_zoo.core import UserError
from genjax_zoo.figures.pictures import plot, save
from genjax_zoo.log import read_json, write_json
from genjax_zoo.metrics.sweep import options_of
from genjax_zoo.report.ranking import short_names

DOCS = Path(__file__).parent.parent / "docs"
MARKERS = "o^sDv"  # Of a model's samplers.


def sweeps(evaluations: Sequence[Mapping]) -> dict[str, list[dict]]:
  """{config: the rows of its sweep that have a distance and a time} of evaluations, if any."""
  found = {}
  for e in evaluations:
    if rows := [row for row in e.get("sweep", ()) if "fid" in row]:
      found[e["config"]] = rows
  return found


def pareto(rows: Sequence[Mapping]) -> list[Mapping]:
  """The rows that no other beats in both seconds and FID, from the fastest to the best."""
  best = []
  for row in sorted(rows, key=lambda row: (row["seconds"], row["fid"])):
    if not best or row["fid"] < best[-1]["fid"]:
      best.append(row)
  return best


def curves(rows: Sequence[Mapping]) -> list[list[Mapping]]:
  """Rows by their options other than steps; those of a curve by rising steps."""
  others = lambda row: {k: v for k, v in options_of(row).items() if k != "steps"}
  found = []
  for row in sorted(rows, key=lambda row: row.get("steps", 0)):
    alike = next((curve for curve in found if others(curve[0]) == others(row)), None)
    if alike is None:
      found.append([row])
    else:
      alike.append(row)
  return found


def paint(ax, found: Mapping[str, Sequence[Mapping]]):
  """Draws {name: rows}: a curve for each sampler, numbered by its steps, on the Pareto frontier."""
  best = pareto([row for rows in found.values() for row in rows])
  ax.step(*coordinates(best), where="post", color="0.85", lw=8, zorder=0, label="Pareto frontier")
  for i, (name, rows) in enumerate(found.items()):
    colour = f"C{i % 10}"
    for curve, marker in zip(curves(rows), itertools.cycle(MARKERS)):
      x, y = coordinates(curve)
      if len(rows) == 1:
        ax.plot(x, y, "*", color="black", ms=9)
        ax.annotate(name, (x[0], y[0]), (6, 3), textcoords="offset points", fontsize=8)
        continue
      of_sampler = " ".join(filter(None, (name, curve[0].get("sampler"))))
      style = dict(color=colour, marker=marker, ms=4, lw=1, ls="-" if i < 10 else "--")
      ax.plot(x, y, label=of_sampler, **style)
      for row, *place in zip(curve, x, y):
        number = dict(textcoords="offset points", color=colour, fontsize=6)
        ax.annotate(row.get("steps", ""), place, (3, 3), **number)
  ax.set(xscale="log", yscale="log", xlabel="milliseconds a sample", ylabel="FID")
  ax.legend(fontsize=8)


def coordinates(rows: Sequence[Mapping]) -> tuple[list[float], list[float]]:
  """(milliseconds a sample, FIDs) of rows."""
  return [1e3 * row["seconds"] for row in rows], [row["fid"] for row in rows]


def draw_frontier(found: Mapping[str, Sequence[Mapping]], path: Path) -> str:
  """Draws sweeps {config: rows}, and returns a caption; "" where there are no two points."""
  if sum(map(len, found.values())) < 2:
    return ""
  names = short_names([*found])
  save(path, plot(lambda ax: paint(ax, dict(zip(names, found.values()))), 1, 8))
  n = max(row["samples"] for rows in found.values() for row in rows)
  return (
    f"FID of {n} samples against the time of one, without compilation. Numbers are steps; stars "
    "have none to choose. No model is below and left of the gray line."
  )


def table(found: Mapping[str, Sequence[Mapping]], root: str) -> str:
  """FIDs by steps in Markdown: a row for each model and sampler; first the model's own options.

  `root` is the path from the table's page to the root of the repository.
  """
  steps = sorted({row["steps"] for rows in found.values() for row in rows[1:] if "steps" in row})
  head = ["model", "sampler", "its own", *map(str, steps), "ms a call"]
  lines = [head, ["---", "---", *["--:"] * (len(head) - 2)]]
  for name, (own, *others) in found.items():
    model = f"[{name}]({root}experiments/configs/{name}.py)"
    for curve in curves([own, *others]):
      by_steps = {row.get("steps"): f"{row['fid']:.3g}" for row in curve}
      first = f"{own['fid']:.3g}" if own in curve else ""
      first += f" in {own['steps']}" if first and "steps" in own else ""
      by_call = [1e3 * row["seconds"] / row["calls"] for row in curve if row["calls"]]
      call = f"{min(by_call):.2g}" if by_call else ""  # An adaptive solver's calls aren't known.
      cells = [by_steps.get(n, "") for n in steps]
      lines.append([model, curve[0].get("sampler", ""), first, *cells, call])
  return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(arguments: Sequence[str], folder: Path = DOCS):
  """Runs the command. Raises UserError for results without a sweep."""
  kept = folder / "frontier.json"
  for path in arguments:
    results = read_json(Path(path)) or {}
    found = sweeps(results.get("evaluations", []))
    if not found:
      raise UserError(f"{path} has no results with a sweep: python -m experiments.zoo writes such")
    write_json(kept, {"sweeps": found, "hardware": results["hardware"]})
  draw_frontier(read_json(kept)["sweeps"], folder / "frontier.png")


if __name__ == "__main__":
  try:
    main(sys.argv[1:])
  except UserError as e:
    sys.exit(f"error: {e}")
