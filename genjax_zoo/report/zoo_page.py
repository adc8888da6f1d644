"""The runs of a data set on one page: a sortable table, trade-offs as plots, samples and curves."""

from collections.abc import Mapping
import json
import math
import os
from pathlib import Path
import re
import shlex
from typing import NamedTuple
from urllib.parse import quote

from genjax_zoo.core import UserError
from genjax_zoo.log import read_json, read_rows
from genjax_zoo.metrics.quality import comparable
from genjax_zoo.report.judgements import compared_judgements
from genjax_zoo.report.measures import (
  LIKELIHOOD,
  METRICS,
  SIGNS,
  density,
  in_words,
  meaning,
  of_data,
  restores,
  title,
)
from genjax_zoo.report.page import Html, curve, image, number, page, section, table, tag, tiles
from genjax_zoo.report.ranking import COLUMNS, SCRIPT, STYLE, Row, ranking, trades
from genjax_zoo.report.run_page import SPEED, entries as entries_of
from genjax_zoo.sharding import processor

READING = (
  "Each row is a run; its name leads to its own report. A column's name sorts by it, and again in "
  "reverse; the address keeps the order. The best of a column is bold where its lead is larger "
  "than the standard error. Negative log-likelihoods "
  "are reported as exact (=), upper bound (≤) or estimate (≈), the lower the better. A model may "
  "be better than its bound, so the kinds are sorted separately. Of a model that is conditioned "
  "on the label it is −log p(x), all classes being equally likely; what it reaches given the label "
  "stands below its name."
)
MEANING = (
  "Lower FID and KID are better, and higher precision, recall, density, coverage and agreement. "
  "Times of training include those of earlier stages; times have a best only where all are from "
  "the same hardware."
)
RESTORATIONS = (
  "Mean over test images. The baseline is not learned. The quality of samples is not compared: "
  "these models are trained to restore images, not to sample them."
)
# Metrics of a model that have a column; others of these names are measured in the same way for all.
MEASURED = "bits_per_vertex", "bits_per_vertex_uniform", "prediction_error", "copying_error"
REAL = "real.png"  # The picture of test examples in the folder of a comparison.
PAGE_STYLE = """
main { max-width: 1500px }
.small { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 260px), 1fr)) }
.small figure { margin: 0 }
td a { color: var(--ink) }
"""


class Entry(NamedTuple):
  """The content of a run's folder."""

  name: str
  folder: Path
  evaluation: dict
  config: dict
  form: str  # Of the data: "image 8 × 8 × 1 of 17 values".

  @property
  def training(self) -> dict:
    """What training cost."""
    return self.evaluation.get("training") or {}


def write_comparison(
  folder,
  runs,
  failures: Mapping[str, str] = {},
  notes=(),
  command: str = "",
  figures: Mapping[Path, str] = {},
) -> Path:
  """Writes results.json and report.html of evaluated runs into a folder; returns the page's path.

  `failures` are {config: why}, `notes` lines to print, `command` what the reader types to get all
  of it again, `figures` are {picture: caption} of all runs. A run without an evaluation is a
  failure. Raises UserError where there is neither a run nor a failure.
  """
  folder = Path(folder)
  found = {Path(run): read(Path(run)) for run in runs}
  entries = [entry for entry in found.values() if entry]
  failures = dict(failures)
  for run, entry in found.items():
    if not entry:
      failures[run.name] = "it has no evaluation.json"
  if not entries and not failures:
    raise UserError(f"there is no run to compare in {folder}")
  machine = hardware(entries)
  results = {
    "evaluations": [e.evaluation for e in entries],
    "failures": failures,
    "notes": list(notes),
    "hardware": machine,
    "versions": versions(entries),
  }
  data = " and ".join(sorted({e.evaluation["data"] for e in entries}))
  heading = f"Models on {data}" if data else "No model was measured"
  made_on = f"This page was made on {machine['cores']} cores of {machine['processor']}."
  command = command or default_command(folder, entries)
  text = page(
    heading,
    header(heading, entries, failures),
    *ranked(entries, folder),
    section("Side by side", *(image(path, about) for path, about in figures.items())),
    section("Judged", compared_judgements({e.name: e.evaluation for e in entries})),
    section("Failed", table(list(failures.items()), ("config", "why"))),
    section("Samples", pictures(in_order(entries), folder)),
    section("Training", curves(entries)),
    section("Hardware and versions", machines(entries), tag("p", made_on, class_="soft")),
    section("Reproduce", tag("pre", command), *(tag("p", note) for note in notes)),
    tag("script", Html(SCRIPT)),
    style=STYLE + PAGE_STYLE,
  )
  folder.mkdir(parents=True, exist_ok=True)
  write(folder / "results.json", json.dumps(results, indent=1))
  write(folder / "report.html", text)
  return folder / "report.html"


def write(path: Path, text: str):
  """Writes a file completely or not at all."""
  temporary = path.with_name(f"{path.name}.tmp")
  temporary.write_text(text, encoding="utf-8")
  temporary.replace(path)


def read(folder: Path) -> Entry | None:
  """A run folder, None without an evaluation.json that can be read; NaN counts as missing."""
  evaluation = read_json(folder / "evaluation.json")
  if not evaluation:
    return None
  form = ", ".join(entries_of(read_json(folder / "data.json", {})))
  return Entry(folder.name, folder, evaluation, read_json(folder / "config.json", {}), form)


def apart(a: Entry, b: Entry) -> str | None:
  """Why two runs can't stand in one table, None where they can."""
  try:
    comparable([a.evaluation, b.evaluation])
  except UserError as e:
    return str(e)
  x, y = measured_on(a), measured_on(b)
  for k in x:
    if k in y and x[k] != y[k]:
      return (
        f"numbers of {a.name} and {b.name} can't be compared: "
        f"{k} is {x[k]} for one and {y[k]} for the other"
      )
  return None


def measured_on(e: Entry) -> dict:
  """The data that the numbers of a run are of."""
  names = ("data", "split", "examples") if counts_examples(e) else ("data", "split")
  known = {k: e.evaluation[k] for k in names if k in e.evaluation}
  return known | {"form": e.form, "binarization": e.config.get("data", {}).get("binarize")}


def counts_examples(e: Entry) -> bool:
  """Whether a likelihood or a metric of a run, of some number of examples, has a column."""
  metrics = e.evaluation.get("metrics") or {}
  likelihood = of_data(e.evaluation.get("likelihood"))
  return bool(likelihood) or any(name in metrics for name in MEASURED)


def groups(entries: list[Entry]) -> list[list[Entry]]:
  """The runs, divided so that all of a group can be compared; the largest group first."""
  found = []
  for e in entries:
    group = next((g for g in found if not any(apart(other, e) for other in g)), None)
    if group is None:
      group = []
      found.append(group)
    group.append(e)
  return sorted(found, key=len, reverse=True)


def header(heading, entries, failures) -> Html:
  """The title, and how to read the page."""
  if failures:
    count = (
      f"{len(entries)} of {len(entries) + len(failures)} runs are measured; "
      f"see below why {', '.join(failures)} failed."
    )
  else:
    count = f"{len(entries)} runs."
  return tag("header", tag("h1", heading), tag("p", count, class_="soft"), tag("p", READING))


def ranked(entries, folder) -> list[Html]:
  """A section for each group of comparable runs, and one for the restorations."""
  sections = []
  found = groups([e for e in entries if not restores(e.evaluation)])
  for group in found:
    rows = [row(e, folder) for e in group]
    first = group is found[0]
    heading = "Comparison" if first else "Measured under other conditions"
    why = None
    if not first:
      reasons = (apart(x, y) for x in found[0] for y in group)
      why = tag("p", f"A table apart: {next(filter(None, reasons))}.")
    about = tag("p", conditions(group), class_="soft")
    below = [tag("p", MEANING, class_="soft"), glossary(rows)] if first else []
    sections.append(section(heading, why, about, ranking(rows, heading), *below, trades(rows)))
  restoring = [e for e in entries if restores(e.evaluation)]
  return [*sections, section("Restorations", restorations(restoring, folder))]


def row(e: Entry, folder) -> Row:
  """A run's line of the table; likelihoods as -log p(x), times of sampling in ms."""
  parts = {k: e.evaluation.get(k) or {} for k in ("quality", "sampling", "training")}
  parts["likelihood"] = of_data(e.evaluation.get("likelihood")) or {}
  metrics = e.evaluation.get("metrics") or {}
  flat = {k: metrics[k] for k in MEASURED if k in metrics} | e.evaluation
  for part in parts.values():
    flat |= part
  known = {*COLUMNS, *(METRICS[k].error for k in COLUMNS)}
  values = {}
  for k, v in flat.items():
    if k in known and v is not None:
      values[k] = v * METRICS[k].scale if k in METRICS and METRICS[k].scale != 1 else v
  if "bits_per_vertex" in values:  # The likelihood is of vertices, of faces, or of both.
    values = {k: v for k, v in values.items() if k not in LIKELIHOOD}
  named = [x for x in (e.evaluation["config"], e.evaluation["model"]) if not e.name.startswith(x)]
  named += given_likelihood(e.evaluation.get("likelihood"))
  devices = [parts[k]["device"] for k in ("sampling", "training") if "device" in parts[k]]
  return Row(
    e.name,
    values,
    parts["likelihood"].get("kind", "exact"),
    ", ".join(named),
    report_link(e, folder),
    " ".join(dict.fromkeys(devices)),
  )


def glossary(rows: list[Row]) -> Html | None:
  """What each column of the table measures, folded; None where none of them is explained."""
  shown = [k for k in COLUMNS if any(k in row.values for row in rows)]
  meanings = [(title(k), meaning(k)) for k in shown if METRICS[k].meaning]
  if not meanings:
    return None
  return tag("details", tag("summary", "What the columns mean"), table(meanings))


def given_likelihood(found: Mapping | None) -> list[str]:
  """What is said of a conditional likelihood, which no column has: "-log p(x | label) <= 94.9"."""
  if not found or not found.get("given"):
    return []
  return [f"−log {density(found)} {SIGNS[found['kind']]} {number(-found['nats'])} nats"]


def report_link(e: Entry, folder) -> str:
  """The relative address of a run's own report, "" where it has none."""
  report = e.folder / "report.html"
  if not report.exists():
    return ""
  return quote(Path(os.path.relpath(report, folder)).as_posix())


def restorations(entries, folder) -> Html | None:
  """The PSNR of models that undo a corruption, beside that of their baselines."""
  rows = []
  for e in entries:
    link = report_link(e, folder)
    metrics = e.evaluation["metrics"]
    rows.append(
      (
        tag("a", e.name, href=link) if link else e.name,
        e.evaluation["model"],
        *(f"{metrics[k]:.2f} dB" for k in ("psnr", "psnr_baseline")),
        e.evaluation.get("parameters"),
        e.training.get("seconds"),
      )
    )
  if not rows:
    return None
  head = ["run", "model", *map(title, ("psnr", "psnr_baseline", "parameters", "seconds"))]
  return Html(table(rows, head) + tag("p", RESTORATIONS, class_="soft"))


def conditions(entries) -> str:
  """What the numbers of comparable runs were measured with, in sentences."""
  evaluations = [e.evaluation for e in entries]
  sentences = []
  counting = (e.evaluation for e in entries if counts_examples(e))
  if e := next((e for e in counting if "examples" in e), None):
    sentences.append(f"Likelihoods and errors are of {e['examples']:,} {e['split']} examples.")
  if q := next((e["quality"] for e in evaluations if "fid" in (e.get("quality") or {})), None):
    sentences.append(
      f"{q['samples']:,} samples of each run were compared with {q['reference_examples']:,} "
      f"examples, {q['reference']}, by {in_words(q['features'])}; there the training set itself "
      f"has FID {number(q['fid_train_vs_test'])}, noise {number(q['fid_noise_vs_test'])}."
    )
    if entries[0].form.startswith("video"):
      sentences.append("Features are of whole videos, so FID is a Fréchet video distance.")
  if q := next((e["quality"] for e in evaluations if "oracle" in (e.get("quality") or {})), None):
    best = q["oracle"]
    sentences.append(
      f"{q['clouds']:,} clouds of each run were compared with as many of {q['reference']} by the "
      "Chamfer distance; of training clouds, the best that can be reached, 1-NNA is "
      f"{number(best['one_nearest_neighbour'])}, coverage {number(best['coverage'])} and MMD "
      f"{number(best['mmd'])}. Evenly spread points make MMD lower than that."
    )
  if how := entries[0].config.get("data", {}).get("binarize"):
    sentences.append(f"Binarization: {how}.")
  return " ".join(sentences)


def in_order(entries) -> list[Entry]:
  """The runs in the order of the tables: of each by FID, those without one last."""
  fid = lambda e: (e.evaluation.get("quality") or {}).get("fid")
  place = lambda e: (fid(e) is None, fid(e) or 0.0)
  found = groups([e for e in entries if not restores(e.evaluation)])
  ordered = [e for group in found for e in sorted(group, key=place)]
  return ordered + [e for e in entries if restores(e.evaluation)]


def pictures(entries, folder) -> Html | None:
  """The real examples of real.png, where the folder has it, and the last samples of each run."""
  found = []
  if (folder / REAL).exists():
    found.append(image(folder / REAL, "test examples: what samples should look like"))
  for e in entries:
    during_training = e.folder.glob("samples/step_*.png")
    path = max(during_training, default=e.folder / "figures/samples.png")
    if path.exists():
      found.append(image(path, e.name))
  return tiles(*found)


def curves(entries) -> Html | None:
  """The losses of each run by step, or its first metric where it has no loss."""
  plots = []
  for e in entries:
    rows = read_rows(e.folder / "metrics.jsonl")
    for name in losses(rows):
      points = [(row["step"], row[name]) for row in rows if math.isfinite(row.get(name, math.nan))]
      if points:
        plots.append(tag("figure", tag("figcaption", e.name), curve(name, *zip(*points))))
  return tag("div", *plots, class_="small") if plots else None


def losses(rows) -> list[str]:
  """The metrics to plot: "loss", else all that end in "loss", else the first one."""
  names = [k for k in dict.fromkeys(k for row in rows for k in row) if k not in SPEED]
  if "loss" in names:
    return ["loss"]
  return [k for k in names if k.endswith("loss")] or names[:1]


def machines(entries) -> Html | None:
  """What the runs were trained on, and with which versions."""
  runs = {}
  for e in entries:
    packages = ", ".join(f"{k} {v}" for k, v in e.training.get("versions", {}).items())
    runs.setdefault((e.training.get("device", "unknown"), packages), []).append(e.name)
  rows = [(*where, "all" if len(runs) == 1 else ", ".join(names)) for where, names in runs.items()]
  return table(rows, ("trained on", "versions", "runs"))


def hardware(entries) -> dict:
  """The devices of the runs, and the processor of this machine."""
  devices = {e.training.get("device") for e in entries}
  return {"devices": sorted(filter(None, devices))} | processor()


def versions(entries) -> dict:
  """{package: its versions} of the runs."""
  pairs = [pair for e in entries for pair in e.training.get("versions", {}).items()]
  return {package: sorted({v for k, v in pairs if k == package}) for package in dict(pairs)}


def default_command(folder, entries) -> str:
  """The command that makes this page, without a budget or a choice of configs."""
  data = entries[0].evaluation["data"] if entries else "digits"
  name = re.split("[:/]", data)[-1].removesuffix(".npz")
  where = shlex.quote(folder.as_posix())
  return f"python -m experiments.zoo --data={shlex.quote(name)} --workdir={where}"
