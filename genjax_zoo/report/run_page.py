"""The report of a run: report.html, made from the files of its folder."""

import json
import math
from pathlib import Path
import re
import shlex

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.data.dataset import kind_of
from genjax_zoo.log import read_json, read_rows
from genjax_zoo.metrics.quality import CONDITIONS
from genjax_zoo.metrics.sweep import options_of
from genjax_zoo.report.judgements import run_judgements
from genjax_zoo.report.measures import (
  KINDS,
  METRICS,
  SIGNS,
  density,
  in_words,
  meaning,
  of_data,
  restores,
  title as title_of_measure,
  unit,
)
from genjax_zoo.report.page import (
  Html,
  curve,
  image,
  number,
  page,
  plus_minus,
  section,
  table,
  tag,
  tiles,
)
from genjax_zoo.report.scatter import Point, scatter
from genjax_zoo.run import fields_of

# Entries of a row of metrics.jsonl that have no curve.
SPEED = "step", "seconds", "compile_seconds", "steps_per_second"
PICTURES = 6  # The most pictures of samples during training.
SAMPLES = "samples.png"  # The figure that stands before them.


def write_report(folder) -> Path:
  """Writes report.html of a run folder, finished or not, and returns its path.

  Raises UserError when there is no such folder, and when one of its JSON files can't be read.
  """
  folder = Path(folder)
  if not folder.is_dir():
    raise UserError(f"there is no run folder {folder} to report on")
  config = read(folder / "config.json")
  data = read(folder / "data.json")
  evaluation = read(folder / "evaluation.json")
  rows = read_rows(folder / "metrics.jsonl")
  title = title_of(folder, config, evaluation)
  drawn = figures(folder)
  final = drawn.pop(SAMPLES, None)
  path = folder / "report.html"
  temporary = path.with_suffix(".tmp")
  text = page(
    title,
    header(title, config, data, evaluation, rows),
    section("Samples", final, sample_pictures(folder, rows)),
    section("Training", curves(rows)),
    section("Figures", *drawn.values()),
    section("Evaluation", measures(evaluation), conditions(evaluation)),
    section("Judged", run_judgements(evaluation)),
    section("Seconds and quality of a sample", sweep(evaluation)),
    section("Cost", cost(evaluation, rows)),
    section("Reproduce", *commands(folder, config, evaluation)),
    section("Config", *settings(config)),
  )
  temporary.write_text(text, encoding="utf-8")
  temporary.replace(path)
  return path


def read(path: Path):
  """A JSON file, {} where there is none. Raises UserError for one that can't be read."""
  found = read_json(path)
  if found is None and path.exists():
    raise UserError(f"{path} can't be read; delete it, and evaluate or report again")
  return {} if found is None else found


def title_of(folder, config, evaluation) -> str:
  """ "vae on digits"."""
  model = evaluation.get("model") or config.get("model", {}).get("name") or folder.name
  data = evaluation.get("data") or config.get("data", {}).get("name")
  return f"{model} on {data}" if data else model


def header(title, config, data, evaluation, rows) -> Html:
  """What was trained on what, how far, and the likelihood in a sentence."""
  done = evaluation.get("step", rows[-1]["step"] if rows else 0)
  total = config.get("train", {}).get("steps")
  facts = [config.get("name") or evaluation.get("config")]
  if total is None or done >= total:
    facts.append(f"{done:,} steps")
  else:
    facts.append(f"step {done:,} of {total:,}, not finished")
  if "parameters" in evaluation:
    facts.append(f"{evaluation['parameters']:,} parameters")
  facts += entries(data)
  line = tag("p", " · ".join(fact for fact in facts if fact), class_="soft")
  return tag("header", tag("h1", title), line, summary(evaluation))


def entries(data: dict) -> list[str]:
  """What data.json says of each entry: "image 8 × 8 × 1 of 17 gray levels"."""
  facts = []
  for name, field in fields_of(data).items() if data else ():
    shape = f" {' × '.join(map(str, field.shape))}" if field.shape else ""
    what = "gray levels" if kind_of(field) in ("image", "video") else "values"
    values = f" of {field.num_values} {what if shape else 'classes'}" if field.num_values else ""
    facts.append(f"{name}{shape}{values}")
  return facts


def summary(evaluation: dict) -> Html:
  """The main results of an evaluation in sentences, a likelihood with its kind."""
  if not evaluation:
    return tag("p", "Not evaluated yet.")
  sentences = []
  if found := evaluation.get("likelihood"):
    examples = f"{evaluation['examples']:,} {evaluation['split']} examples"
    sentences.append(f"−log {density(found)} {likelihood(found)}, on {examples}.")
    marginal = of_data(found)
    if marginal and marginal is not found:
      sentences.append(f"−log p(x) {likelihood(marginal)}, all classes being equally likely.")
  quality = evaluation.get("quality") or {}
  if restores(evaluation):
    restored, baseline = (evaluation["metrics"][k] for k in ("psnr", "psnr_baseline"))
    sentences.append(f"PSNR {restored:.2f} dB, of the baseline {baseline:.2f} dB.")
  elif quality.get("fid") is not None:
    features = in_words(quality.get("features", "unnamed features"))
    sentences.append(f"FID {number(quality['fid'])}, by {features}.")
  return tag("p", " ".join(sentences or ["The model has no likelihood."]))


def likelihood(found: dict) -> str:
  """ "≤ 102.10 ± 0.20 nats, ≤ 0.188 bits/dim (lower bound of log p, elbo)"."""
  kind = found["kind"]
  error = found.get("standard_error")
  bits = found.get("bits_per_dim")
  text = f"{SIGNS[kind]} {-found['nats']:.2f}"
  if error is not None:
    text += f" {plus_minus(error)}"
  text += " nats"
  if bits is not None:
    text += f", {SIGNS[kind]} {bits:.3f} bits/dim"
  notes = [KINDS[kind] if kind == "exact" else f"{KINDS[kind]} of log p"]
  if found.get("estimator", kind) != kind:
    notes.append(found["estimator"])
  return f"{text} ({', '.join(notes)})"


def sample_pictures(folder, rows) -> Html | None:
  """The first samples drawn during training, some in between, and the last; videos move.

  Those of the last step are left out where the figure of samples shows them.
  """
  samples = folder / "samples"
  paths = sorted(samples.glob("step_*.png")) or sorted(samples.glob("*.png"))
  if rows and (folder / "figures" / SAMPLES).exists():
    shown = samples / f"step_{rows[-1]['step']:07d}.png"
    paths = [path for path in paths if path != shown or path.with_suffix(".webp").exists()]
  chosen = np.linspace(0, len(paths) - 1, min(PICTURES, len(paths)))
  pictures = []
  for i in sorted({int(i) for i in chosen}):
    step = re.fullmatch(r"step_(\d+)", paths[i].stem)
    moving = paths[i].with_suffix(".webp")
    path = moving if moving.exists() else paths[i]
    pictures.append(image(path, f"step {int(step[1]):,}" if step else path.stem))
  return tiles(*pictures)


def curves(rows) -> Html | None:
  """A curve of each metric of metrics.jsonl, the loss first."""
  names = {k for row in rows for k in row}.difference(SPEED)
  plots = []
  for name in sorted(names, key=lambda k: (k != "loss", k)):
    points = [(row["step"], row[name]) for row in rows if is_finite(row.get(name))]
    if points:
      plots.append(curve(name, *zip(*points)))
  return tiles(*plots)


def is_finite(value) -> bool:
  """Whether a value is a finite number."""
  return isinstance(value, (int, float)) and math.isfinite(value)


def figures(folder) -> dict[str, Html]:
  """{file: figure}, in the order of captions.json; of one that could not be drawn, the reason."""
  folder = folder / "figures"
  captions = dict(read(folder / "captions.json"))
  for path in sorted(folder.glob("*.png")):
    captions.setdefault(path.name, path.stem)
  parts = {}
  for name, caption in captions.items():
    exists = (folder / name).exists()
    parts[name] = image(folder / name, caption) if exists else tag("p", caption, class_="soft")
  return parts


def measures(evaluation) -> Html | None:
  """Every number of the evaluation, with its meaning, standard error and unit."""
  found = evaluation.get("likelihood") or {}
  rows = likelihood_rows(found) + likelihood_rows(found.get("marginal"))
  errors = evaluation.get("standard_errors", {})
  for name, value in (evaluation.get("metrics") or {}).items():
    rows.append((name, value, errors.get(name), unit(name), meaning(name)))
  quality = dict(evaluation.get("quality") or {})
  known = lambda name: title_of_measure(name) if name in METRICS else name.replace("_", " ")
  quality |= {f"oracle's {known(name)}": x for name, x in quality.pop("oracle", {}).items()}
  restored = (evaluation.get("reconstructions") or {}).items()
  quality |= {f"reconstructions: {known(k)}": x for k, x in restored if isinstance(x, float)}
  for name, value in quality.items():
    if name not in CONDITIONS and not name.endswith("_standard_error"):
      error = quality.get(f"{name}_standard_error")
      rows.append((known(name), value, error, None, meaning(name)))
  rounded = lambda error: error and float(f"{error:.2g}")
  about = lambda text: tag("span", text, class_="soft") if text else ""
  rows = [
    (Html(tag("span", name) + about(text)), value, rounded(error), unit)
    for name, value, error, unit, text in rows
  ]
  return table(rows, ("measure", "value", "± s.e.", "unit"))


def likelihood_rows(found: dict | None) -> list[tuple]:
  """The rows of a likelihood: log p and, where it is known, the bits per dimension."""
  if not found:
    return []
  kind, estimator = KINDS[found["kind"]], found["estimator"]
  nats, error, bits = found["nats"], found.get("standard_error"), found.get("bits_per_dim")
  rows = [(f"log {density(found)}", nats, error, "nats", f"{kind}, {estimator}")]
  if bits is not None:
    # A lower bound of log p is an upper bound of -log p.
    mirrored = "upper bound" if found["kind"] == "lower_bound" else kind
    scaled = None if error is None or not nats else abs(bits / nats) * error
    rows.append(("bits per dimension", bits, scaled, "bits/dim", f"{mirrored}, {estimator}"))
  return rows


def sweep(evaluation) -> Html | None:
  """FID against the time of a sample, by each of the options of a sweep."""
  name = lambda row: " ".join(map(str, options_of(row).values()))
  rows = [row for row in evaluation.get("sweep", ()) if "fid" in row]
  points = [Point(name(row), 1e3 * row["seconds"], row["fid"]) for row in rows]
  across, up = map(title_of_measure, ("seconds_per_image", "fid"))
  return scatter(points, across, up, log_x=True, log_y=True)


def conditions(evaluation) -> Html | None:
  """How the numbers were measured."""
  quality = evaluation.get("quality") or {}
  found = evaluation.get("likelihood") or {}
  facts = []
  if "examples" in evaluation:
    facts.append(f"{evaluation['examples']:,} {evaluation['split']} examples")
  facts += [f"{k}: {found[k]}" for k in ("binarization", "dequantization") if found.get(k)]
  facts += [f"quality {k.replace('_', ' ')}: {quality[k]}" for k in CONDITIONS if k in quality]
  return tag("p", "; ".join(facts), class_="soft") if facts else None


def cost(evaluation, rows) -> Html | None:
  """Parameters, time and memory, and the hardware they were measured on."""
  training = evaluation.get("training") or (rows[-1] if rows else {})
  sampling = evaluation.get("sampling") or {}
  versions = training.get("versions", {})
  peak = training.get("peak_bytes")
  milliseconds = 1e3 * sampling.get("seconds_per_image", 0) or None
  entries = [
    ("parameters", evaluation.get("parameters"), None),
    ("training", training.get("seconds"), "s"),
    ("compilation", training.get("compile_seconds"), "s"),
    ("speed", training.get("steps_per_second"), "steps/s"),
    ("speed", training.get("examples_per_second"), "examples/s"),
    ("peak memory of a device", peak and peak / 2**20, "MiB"),
    ("trained on", training.get("device"), None),
    ("sampling", milliseconds, f"ms an example, {sampling.get('batch')} at a time"),
    ("network evaluations", sampling.get("network_evaluations"), "a sample"),
    ("sampled on", sampling.get("device"), None),
    ("versions", ", ".join(f"{k} {v}" for k, v in versions.items()) or None, None),
  ]
  return table([entry for entry in entries if entry[1] is not None])


def commands(folder, config, evaluation) -> list[Html]:
  """How to get this run again, and how to load it."""
  name = config.get("name") or evaluation.get("config") or folder.name
  path = folder.as_posix()
  file = f"configs/{name.removesuffix('_smoke')}.py" + (":smoke" if name.endswith("_smoke") else "")
  where = "" if path == f"runs/{name}" else f" --workdir={shlex.quote(path)}"
  known = config.get("command")
  train = known or f"python -m experiments.main --config={shlex.quote(file)}{where}"
  load = f"import genjax_zoo\n\nrun = genjax_zoo.load({path!r})\nrun.sample(64)"
  note = "Add the --config.KEY=VALUE of the original command, if there were any; see Config below."
  return [
    tag("h3", "Train it, or resume"),
    tag("pre", train),
    *([] if known else [tag("p", note, class_="soft")]),
    tag("h3", "Load it in Python"),
    tag("pre", load),
  ]


def settings(config) -> list[Html]:
  """The resolved config, a table for each section; earlier stages are folded."""
  parts = []
  for name, values in config.items():
    if isinstance(values, dict) and values and name != "stages":
      parts.append(tag("div", tag("h3", name), table(flat(values))))
  sections = [tiles(*parts)] if parts else []
  for name, stage in config.get("stages", {}).items():
    sections.append(tag("details", tag("summary", f"stage {name}"), *settings(stage)))
  return sections


def flat(values, prefix="") -> list[tuple[str, str]]:
  """Rows (dotted key, value) of nested settings."""
  rows = []
  for k, v in values.items():
    if isinstance(v, dict) and v:
      rows += flat(v, f"{prefix}{k}.")
    else:
      rows.append((prefix + k, json.dumps(v).strip('"')))
  return rows
