"""The runs of a data set on one page: a table to sort, the trade-offs as plots, samples and curves
side by side.
"""

from collections.abc import Mapping
import json
import math
import os
from pathlib import Path
import platform
import re
import shlex
from typing import NamedTuple
from urllib.parse import quote

from genjax_zoo.core import UserError
from genjax_zoo.log import read_rows
from genjax_zoo.metrics.quality import comparable
from genjax_zoo.report.page import Html, curve, image, number, page, section, table, tag, tiles
from genjax_zoo.report.ranking import COLUMNS, SCRIPT, STYLE, Row, ranking, trades
from genjax_zoo.report.run_page import SPEED

READING = (
  "Each row is a run; its name leads to its own report. A column's name sorts by it, and again in reverse; the address "
  "keeps the order. The best of a column is bold. −log p is lower for better models and is told with its kind: "
  "= exact, ≤ an upper bound, ≈ an estimate. A model may be better than its bound, so kinds are sorted apart."
)
MEANING = (
  "FID and KID: lower is better. Precision and density tell how good samples are, recall and coverage how much of the "
  "data they reach, agreement how often a classifier sees the label that was asked for: higher is better. Copies is "
  "the chance that a sample is nearer to the training set than a test example is: 1/2 at best, 1 for copies. Times "
  "of training are with earlier stages; times have a best only where all are from the same hardware."
)
PAGE_STYLE = """
main { max-width: 1500px }
.small { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 260px), 1fr)) }
.small figure { margin: 0 }
"""


class Entry(NamedTuple):
  """A run, as its folder tells it."""

  name: str
  folder: Path
  evaluation: dict
  config: dict
  form: str  # Of the data: "image [8, 8, 1] of 17 levels".

  @property
  def training(self) -> dict:
    """What training cost."""
    return self.evaluation.get("training") or {}


def write_comparison(
  folder, runs, failures: Mapping[str, str] = {}, notes=(), command: str = ""
) -> Path:
  """Writes results.json and report.html of evaluated runs into a folder, and returns the page's
  path.

  `failures` are {config: why}, `notes` lines to print, `command` what the reader types to get all
  of it again. A run without an evaluation is a failure. Raises UserError where there is neither a
  run nor a failure.
  """
  folder, found = Path(folder), {Path(run): read(Path(run)) for run in runs}
  failures = dict(failures) | {
    run.name: "it has no evaluation.json" for run, entry in found.items() if not entry
  }
  entries = [entry for entry in found.values() if entry]
  if not entries and not failures:
    raise UserError(f"there is no run to compare in {folder}")
  here = hardware(entries)
  results = {
    "evaluations": [e.evaluation for e in entries],
    "failures": failures,
    "notes": list(notes),
  }
  results |= {"hardware": here, "versions": versions(entries)}
  data = " and ".join(sorted({e.evaluation["data"] for e in entries}))
  title = f"Models on {data}" if data else "No model was measured"
  text = page(
    title,
    header(title, entries, failures),
    *ranked(entries, folder),
    section("Failed", table(list(failures.items()), ("config", "why"))),
    section("Samples", pictures(entries)),
    section("Training", curves(entries)),
    section(
      "Hardware and versions",
      machines(entries),
      tag(
        "p", f"This page was made on {here['cores']} cores of {here['processor']}.", class_="soft"
      ),
    ),
    section(
      "Reproduce",
      tag("pre", command or default_command(folder, entries)),
      *(tag("p", note) for note in notes),
    ),
    tag("script", Html(SCRIPT)),
    style=STYLE + PAGE_STYLE,
  )
  folder.mkdir(parents=True, exist_ok=True)
  for name, content in (("results.json", json.dumps(results, indent=1)), ("report.html", text)):
    temporary = folder / f"{name}.tmp"
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(folder / name)
  return folder / "report.html"


def read(folder: Path) -> Entry | None:
  """A run folder, None without a whole evaluation.json; NaN and infinite numbers count as missing."""

  def content(name):
    try:
      return json.loads((folder / name).read_text(), parse_constant=lambda _: None)
    except (OSError, ValueError):
      return {}

  fields = content("data.json").get("fields", {}).items()
  form = ", ".join(
    f"{k} {f['shape']}" + (f" of {f['levels']} levels" if f["levels"] else "") for k, f in fields
  )
  evaluation = content("evaluation.json")
  return (
    Entry(folder.name, folder, evaluation, content("config.json"), form) if evaluation else None
  )


def apart(a: Entry, b: Entry) -> str | None:
  """Why two runs can't stand in one table, None where they can."""
  try:
    comparable([a.evaluation, b.evaluation])
  except UserError as e:
    return str(e)

  def conditions(e):
    known = {k: e.evaluation[k] for k in ("data", "split", "examples") if k in e.evaluation}
    return known | {"form": e.form, "binarization": e.config.get("data", {}).get("binarize")}

  x, y = conditions(a), conditions(b)
  differ = (k for k in x if k in y and x[k] != y[k])
  told = lambda k: (
    f"numbers of {a.name} and {b.name} can't be compared: {k} is {x[k]} for one and {y[k]} for the other"
  )
  return next(map(told, differ), None)


def groups(entries: list[Entry]) -> list[list[Entry]]:
  """The runs, parted so that all of a part can be compared; the largest part first."""
  parts = []
  for e in entries:
    part = next((p for p in parts if not any(apart(other, e) for other in p)), None)
    if part is None:
      parts.append(part := [])
    part.append(e)
  return sorted(parts, key=len, reverse=True)


def header(title, entries, failures) -> Html:
  """The title, and how to read the page."""
  count = (
    f"{len(entries)} of {len(entries) + len(failures)} runs are measured"
    if failures
    else f"{len(entries)} runs"
  )
  failed = f"; why {', '.join(failures)} failed is told below." if failures else "."
  return tag(
    "header",
    tag("h1", title),
    tag("p", count + failed, class_="soft"),
    tag("p", READING),
  )


def ranked(entries, folder) -> list[Html]:
  """A section of each group of comparable runs: its conditions, table and trade-offs."""
  sections, parts = [], groups(entries)
  for part in parts:
    rows, first = [row(e, folder) for e in part], part is parts[0]
    why = None if first else next(filter(None, (apart(x, y) for x in parts[0] for y in part)))
    title = "Comparison" if first else "Measured under other conditions"
    above = why and tag("p", f"A table apart: {why}."), tag("p", conditions(part), class_="soft")
    below = tag("p", MEANING, class_="soft") if first else None
    sections.append(section(title, *above, ranking(rows, title), below, trades(rows)))
  return sections


def row(e: Entry, folder) -> Row:
  """A run's line of the table; likelihoods as -log p, times of sampling in ms."""
  parts = [e.evaluation.get(k) or {} for k in ("likelihood", "quality", "sampling", "training")]
  known = {*COLUMNS, "standard_error", "kid_standard_error"}
  flat = {
    k: v for part in (e.evaluation, *parts) for k, v in part.items() if k in known and v is not None
  }
  units = {"nats": -1, "seconds_per_image": 1e3}
  report = e.folder / "report.html"
  link = quote(Path(os.path.relpath(report, folder)).as_posix()) if report.exists() else ""
  about = [x for x in (e.evaluation["config"], e.evaluation["model"]) if not e.name.startswith(x)]
  device = " ".join(dict.fromkeys(p["device"] for p in parts[2:] if "device" in p))
  return Row(
    e.name,
    {k: v * units.get(k, 1) for k, v in flat.items()},
    parts[0].get("kind", "exact"),
    ", ".join(about),
    link,
    device,
  )


def conditions(entries) -> str:
  """What the numbers of comparable runs were measured with, in sentences."""
  evaluations, told = [e.evaluation for e in entries], []
  if e := next((e for e in evaluations if "examples" in e), None):
    told.append(f"Likelihoods are of {e['examples']:,} {e['split']} examples.")
  if q := next((e["quality"] for e in evaluations if e.get("quality")), None):
    told.append(
      f"{q['samples']:,} samples of each run were compared with {q['reference_examples']:,} examples, {q['reference']},"
      f" in the features {q['features']}; there the training set itself has FID {number(q['fid_train_vs_test'])}, "
      f"noise {number(q['fid_noise_vs_test'])}."
    )
  if how := entries[0].config.get("data", {}).get("binarize"):
    told.append(f"Binarization: {how}.")
  return " ".join(told)


def pictures(entries) -> Html | None:
  """The last samples of each run."""
  last = (
    (e, max([*(e.folder / "samples").glob("step_*.png")], default=e.folder / "figures/samples.png"))
    for e in entries
  )
  return tiles(*(image(path, e.name) for e, path in last if path.exists()))


def curves(entries) -> Html | None:
  """The losses of each run by step, or its first metric where it has no loss."""
  plots = []
  for e in entries:
    rows = read_rows(e.folder / "metrics.jsonl")
    names = [k for k in dict.fromkeys(k for row in rows for k in row) if k not in SPEED]
    losses = (
      [k for k in names if k == "loss"] or [k for k in names if k.endswith("loss")] or names[:1]
    )
    for name in losses:
      points = [(row["step"], row[name]) for row in rows if math.isfinite(row.get(name, math.nan))]
      plots += (
        [tag("figure", tag("figcaption", e.name), curve(name, *zip(*points)))] if points else []
      )
  return tag("div", *plots, class_="small") if plots else None


def machines(entries) -> Html | None:
  """What the runs were trained on, and with which versions."""
  runs = {}
  for e in entries:
    told = ", ".join(f"{k} {v}" for k, v in e.training.get("versions", {}).items())
    runs.setdefault((e.training.get("device", "unknown"), told), []).append(e.name)
  rows = [(*where, "all" if len(runs) == 1 else ", ".join(names)) for where, names in runs.items()]
  return table(rows, ("trained on", "versions", "runs"))


def hardware(entries) -> dict:
  """The devices that the runs tell of, and this machine."""
  info, devices = Path("/proc/cpuinfo"), {e.training.get("device") for e in entries}
  found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
  processor = found[1] if found else platform.processor() or platform.machine()
  return {"devices": sorted(filter(None, devices)), "processor": processor, "cores": os.cpu_count()}


def versions(entries) -> dict:
  """{package: its versions} of the runs."""
  told = [pair for e in entries for pair in e.training.get("versions", {}).items()]
  return {package: sorted({v for k, v in told if k == package}) for package in dict(told)}


def default_command(folder, entries) -> str:
  """What makes this page anew, budget and choice of configs aside."""
  name = (
    re.split("[:/]", entries[0].evaluation["data"])[-1].removesuffix(".npz")
    if entries
    else "digits"
  )
  return f"python -m experiments.zoo --data={shlex.quote(name)} --workdir={shlex.quote(folder.as_posix())}"
