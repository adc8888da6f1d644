"""What samples are judged to be, beside real and wrongly paired examples: tables of "judged"."""

from collections.abc import Mapping

from genjax_zoo.report.page import Html, table, tag

READING = (
  "Means over the samples of a model, of test examples judged in the same way (real), and of test "
  "examples beside the conditions of others (wrong): a model that ignores its condition is no "
  "better than these. What is unseen is of samples given combinations that no training example "
  "has. The names that begin with reader are what a network reads in an image, those that begin "
  "with clip how well image and caption fit by CLIP; the others need no network. PSNR, SSIM and "
  "perceptual distance compare with the true image."
)
KINDS = "samples", "unseen", "real", "wrong"


def run_judgements(evaluation: Mapping) -> Html | None:
  """A row for each judgement of one run: its samples, real and wrong; None without any."""
  judged = evaluation.get("judged")
  if not judged:
    return None
  kinds = [kind for kind in KINDS if kind in judged]
  columns = [judged[kind] for kind in kinds]
  head = ["judged", *kinds]
  names = dict.fromkeys(name for column in columns for name in column)
  rows = [(title(name), *(rounded(column.get(name)) for column in columns)) for name in names]
  return Html(table(rows, head) + tag("p", READING, class_="soft"))


def compared_judgements(evaluations: Mapping[str, Mapping]) -> Html | None:
  """A row for each run, {name: evaluation}, and a column for each judgement; None without any.

  The first rows are those of real and of wrongly paired examples.
  """
  found = {run: e["judged"] for run, e in evaluations.items() if e.get("judged")}
  if not found:
    return None
  samples = {run: judged["samples"] for run, judged in found.items()}
  names = list(dict.fromkeys(name for judgements in samples.values() for name in judgements))
  merged = {kind: {} for kind in ("real", "wrong")}
  for judged in found.values():
    for kind, values in merged.items():
      values |= {name: x for name, x in judged.get(kind, {}).items() if name in judged["samples"]}
  lines = {kind: values for kind, values in merged.items() if values}
  for run, judgements in samples.items():
    lines[run] = judgements
    if "unseen" in found[run]:
      lines[f"{run}, unseen"] = found[run]["unseen"]
  rows = [(run, *(rounded(values.get(name)) for name in names)) for run, values in lines.items()]
  return Html(table(rows, ("", *map(title, names))) + tag("p", READING, class_="soft"))


def rounded(x: float | None) -> float | None:
  """A mean without its rounding error: that of what is 0 may be 1e-15."""
  return None if x is None else round(x, 6)


def title(name: str) -> str:
  """A judgement's name in a table."""
  known = {
    "psnr": "PSNR, dB",
    "view_psnr": "PSNR of the view, dB",
    "ssim": "SSIM",
    "perceptual": "perceptual distance",
  }
  return known.get(name, name.replace("_", " "))
