"""The report of a run: report.html, made of what its folder holds."""

import json
import math
from pathlib import Path
import re
import shlex

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.log import read_rows
from genjax_zoo.metrics.quality import CONDITIONS
from genjax_zoo.report.page import Html, curve, image, number, page, section, table, tag, tiles

# Of a row of metrics.jsonl: no curves.
SPEED = "step", "seconds", "compile_seconds", "steps_per_second"
PICTURES = 6  # Of the samples drawn along training, so many are shown.
KINDS = {"exact": "exact", "lower_bound": "lower bound", "estimate": "estimate"}
SIGNS = {"exact": "=", "lower_bound": "≤", "estimate": "≈"}  # Of -log p.
NATS = "elbo", "kl", "reconstruction", "nll", "log_likelihood", "log_prob", "rate"
UNITS = {"bits_per_dim": "bits/dim", "accuracy": "fraction"} | dict.fromkeys(NATS, "nats")
HIGHER = (
  "inception_score",
  "precision",
  "recall",
  "density",
  "coverage",
  "agreement",
  "modes",
  "high_quality",
)
MEANING = dict.fromkeys(("fid", "kid", "sliced_wasserstein"), "lower is better")
MEANING |= dict.fromkeys(HIGHER, "higher is better") | {
  "copies": "1/2 at best, 1 for copies of the training set"
}
MEANING |= {"fid_train_vs_test": "of the training set itself", "fid_noise_vs_test": "of noise"}


def write_report(folder) -> Path:
  """Writes report.html of a run folder, finished or not, and returns its path.

  Raises UserError when there is no such folder, and when one of its JSON files can't be read.
  """
  folder = Path(folder)
  if not folder.is_dir():
    raise UserError(f"there is no run folder {folder} to report on")
  config, evaluation = _read(folder / "config.json", {}), _read(folder / "evaluation.json", {})
  rows = read_rows(folder / "metrics.jsonl")
  title = title_of(folder, config, evaluation)
  path = folder / "report.html"
  temporary = path.with_suffix(".tmp")
  temporary.write_text(
    page(
      title,
      header(title, config, _read(folder / "data.json", {}), evaluation, rows),
      section("Samples", sample_pictures(folder)),
      section("Training", curves(rows)),
      section("Figures", *figures(folder)),
      section("Evaluation", measures(evaluation), conditions(evaluation)),
      section("Cost", cost(evaluation, rows)),
      section("Reproduce", *commands(folder, config, evaluation)),
      section("Config", *settings(config)),
    ),
    encoding="utf-8",
  )
  temporary.replace(path)
  return path


def _read(path: Path, default):
  """A JSON file, `default` where there is none."""
  try:
    return json.loads(path.read_text()) if path.exists() else default
  except (OSError, ValueError) as e:
    raise UserError(f"{path} can't be read ({e}); delete it, and evaluate or report again") from e


def title_of(folder, config, evaluation) -> str:
  """ "vae on digits"."""
  model = evaluation.get("model") or config.get("model", {}).get("name") or folder.name
  data = evaluation.get("data") or config.get("data", {}).get("name")
  return f"{model} on {data}" if data else model


def header(title, config, data, evaluation, rows) -> Html:
  """What was trained on what, how far, and the likelihood in a sentence."""
  done, total = (
    evaluation.get("step", rows[-1]["step"] if rows else 0),
    config.get("train", {}).get("steps"),
  )
  facts = [config.get("name") or evaluation.get("config")]
  facts.append(
    f"{done:,} steps"
    if total is None or done >= total
    else f"step {done:,} of {total:,}, not finished"
  )
  if "parameters" in evaluation:
    facts.append(f"{evaluation['parameters']:,} parameters")
  for name, f in data.get("fields", {}).items():
    shape = f" {' × '.join(map(str, f['shape']))}" if f["shape"] else ""
    facts.append(f"{name}{shape}" + (f" of {f['levels']} levels" if f["levels"] else ""))
  return tag(
    "header",
    tag("h1", title),
    tag("p", " · ".join(f for f in facts if f), class_="soft"),
    summary(evaluation),
  )


def summary(evaluation: dict) -> Html:
  """What an evaluation found, in a sentence: the likelihood with its kind, or that there is none."""
  if not evaluation:
    return tag("p", "Not evaluated yet.")
  sentences = []
  if found := evaluation.get("likelihood"):
    sentences.append(
      f"−log p(x) {likelihood(found)}, on {evaluation['examples']:,} {evaluation['split']} examples."
    )
  if (fid := (evaluation.get("quality") or {}).get("fid")) is not None:
    sentences.append(
      f"FID {number(fid)}, by {evaluation['quality'].get('features', 'unnamed features')}."
    )
  return tag("p", " ".join(sentences or ["The model has no likelihood."]))


def likelihood(found: dict) -> str:
  """ "≤ 102.10 ± 0.20 nats, ≤ 0.188 bits/dim (lower bound of log p, elbo)"."""
  kind, error, bits = found["kind"], found.get("standard_error"), found.get("bits_per_dim")
  text = (
    f"{SIGNS[kind]} {-found['nats']:.2f}"
    + (f" ± {error:.2g}" if error is not None else "")
    + " nats"
  )
  text += f", {SIGNS[kind]} {bits:.3f} bits/dim" if bits is not None else ""
  by = f", {found['estimator']}" if found.get("estimator", kind) != kind else ""
  return f"{text} ({KINDS[kind]}{'' if kind == 'exact' else ' of log p'}{by})"


def sample_pictures(folder) -> Html | None:
  """The first samples drawn along training, some in between, and the last."""
  paths = sorted((folder / "samples").glob("step_*.png")) or sorted(
    (folder / "samples").glob("*.png")
  )
  shown = sorted({int(i) for i in np.linspace(0, len(paths) - 1, min(PICTURES, len(paths)))})
  name = lambda p: f"step {int(m[1]):,}" if (m := re.fullmatch(r"step_(\d+)", p.stem)) else p.stem
  return tiles(*(image(paths[i], name(paths[i])) for i in shown))


def curves(rows) -> Html | None:
  """A curve of each metric of metrics.jsonl, the loss first."""
  names = sorted({k for row in rows for k in row}.difference(SPEED), key=lambda k: (k != "loss", k))
  finite = lambda v: isinstance(v, (int, float)) and math.isfinite(v)
  series = {k: [(r["step"], r[k]) for r in rows if finite(r.get(k))] for k in names}
  return tiles(*(curve(name, *zip(*points)) for name, points in series.items() if points))


def figures(folder) -> list[Html]:
  """The figures, in the order of captions.json; of one that could not be drawn, the reason."""
  folder = folder / "figures"
  captions = dict(_read(folder / "captions.json", []))
  captions |= {p.name: p.stem for p in sorted(folder.glob("*.png")) if p.name not in captions}
  seen = lambda name: (folder / name).exists()
  return [
    image(folder / k, c) if seen(k) else tag("p", c, class_="soft") for k, c in captions.items()
  ]


def measures(evaluation) -> Html | None:
  """Every number of the evaluation, with its standard error, unit and kind."""
  rows = []
  if found := evaluation.get("likelihood"):
    kind, nats, error, bits = (
      KINDS[found["kind"]],
      found["nats"],
      found.get("standard_error"),
      found.get("bits_per_dim"),
    )
    rows.append(("log p", nats, error, "nats", f"{kind}, {found['estimator']}"))
    if bits is not None:
      mirrored = "upper bound" if found["kind"] == "lower_bound" else kind
      scaled = None if error is None or not nats else abs(bits / nats) * error
      rows.append(
        ("bits per dimension", bits, scaled, "bits/dim", f"{mirrored}, {found['estimator']}")
      )
  errors = evaluation.get("standard_errors", {})
  for name, value in (evaluation.get("metrics") or {}).items():
    rows.append((name, value, errors.get(name), UNITS.get(name), "mean"))
  quality = evaluation.get("quality") or {}
  for name, value in quality.items():
    if name not in CONDITIONS and not name.endswith("_standard_error"):
      rows.append(
        (
          name.replace("_", " "),
          value,
          quality.get(f"{name}_standard_error"),
          None,
          MEANING.get(name),
        )
      )
  rows = [
    (name, value, error and float(f"{error:.2g}"), *notes) for name, value, error, *notes in rows
  ]
  return table(rows, ("measure", "value", "± s.e.", "unit", "kind"))


def conditions(evaluation) -> Html | None:
  """How the numbers were measured."""
  quality, found = evaluation.get("quality") or {}, evaluation.get("likelihood") or {}
  facts = (
    [f"{evaluation['examples']:,} {evaluation['split']} examples"]
    if "examples" in evaluation
    else []
  )
  facts += [f"{k}: {found[k]}" for k in ("binarization", "dequantization") if found.get(k)]
  facts += [f"quality {k.replace('_', ' ')}: {quality[k]}" for k in CONDITIONS if k in quality]
  return tag("p", "; ".join(facts), class_="soft") if facts else None


def cost(evaluation, rows) -> Html | None:
  """Parameters, time, memory, and what they were measured on."""
  training = evaluation.get("training") or (rows[-1] if rows else {})
  sampling, versions = evaluation.get("sampling") or {}, training.get("versions", {})
  peak = training.get("peak_bytes")
  entries = [
    ("parameters", evaluation.get("parameters"), None),
    ("training", training.get("seconds"), "s"),
    ("compilation", training.get("compile_seconds"), "s"),
    ("speed", training.get("steps_per_second"), "steps/s"),
    ("speed", training.get("examples_per_second"), "examples/s"),
    ("peak memory of a device", peak and peak / 2**20, "MiB"),
    ("trained on", training.get("device"), None),
    (
      "sampling",
      1e3 * sampling.get("seconds_per_image", 0) or None,
      f"ms an example, {sampling.get('batch')} at a time",
    ),
    ("network evaluations", sampling.get("network_evaluations"), "a sample"),
    ("sampled on", sampling.get("device"), None),
    ("versions", ", ".join(f"{k} {v}" for k, v in versions.items()) or None, None),
  ]
  return table([entry for entry in entries if entry[1] is not None])


def commands(folder, config, evaluation) -> list[Html]:
  """How to get this run again, and how to load it."""
  name = config.get("name") or evaluation.get("config") or folder.name
  file = f"configs/{name.removesuffix('_smoke')}.py" + (":smoke" if name.endswith("_smoke") else "")
  where = (
    "" if folder.as_posix() == f"runs/{name}" else f" --workdir={shlex.quote(folder.as_posix())}"
  )
  load = f"import genjax_zoo\n\nrun = genjax_zoo.load({folder.as_posix()!r})\nrun.sample(64)"
  return [
    tag("h3", "Train it, or resume"),
    tag("pre", f"python -m experiments.main --config={shlex.quote(file)}{where}"),
    tag(
      "p",
      "with the same --config.KEY=VALUE behind it, if there were any: the values are below.",
      class_="soft",
    ),
    tag("h3", "Load it in Python"),
    tag("pre", load),
  ]


def settings(config) -> list[Html]:
  """The resolved config, a table a section; earlier stages fold away."""
  parts = {k: v for k, v in config.items() if isinstance(v, dict) and v and k != "stages"}
  folds = config.get("stages", {}).items()
  tables = [tag("div", tag("h3", name), table(flat(values))) for name, values in parts.items()]
  opened = lambda stage: tag("details", tag("summary", f"stage {stage[0]}"), *settings(stage[1]))
  return [x for x in (tiles(*tables), *map(opened, folds)) if x]


def flat(values, prefix="") -> list[tuple[str, str]]:
  """Rows (dotted key, value) of nested settings."""
  rows = []
  for k, v in values.items():
    rows += (
      flat(v, f"{prefix}{k}.")
      if isinstance(v, dict) and v
      else [(prefix + k, json.dumps(v).strip('"'))]
    )
  return rows
