"""The generated tables of README.md and docs/, in Markdown.

Each is a function of ({config: evaluation}, path from its page to the repository's root).
"""

import ast
from collections.abc import Callable
import functools
import json
from pathlib import Path
import re

from experiments import frontier, resolve
from experiments.bench import peers
from genjax_zoo.core import UserError
from genjax_zoo.log import duration
from genjax_zoo.report.measures import METRICS, SIGNS, of_data, restores, title
from genjax_zoo.report.page import number

ROOT = Path(__file__).parent.parent
FAMILIES = {
  "autoregressive": "autoregressive",
  "latent_variable": "latent variables",
  "tokens": "images as tokens",
  "flows": "normalizing flows",
  "gans": "adversarial",
  "energy": "energy-based",
  "diffusion": "diffusion",
  "control": "controlled text",
  "discriminative": "discriminative",
}
NLL = "−log p(x) of test data"
GIVEN = "−log p given a condition"
EMPTY = (
  "There are no results yet: train a config, then `python -m experiments.table --add runs/CONFIG`."
)
MARKS = "†‡§¶"
PUBLIC = (  # What is of use without the commands.
  "genjax_zoo/run.py",
  "genjax_zoo/core.py",
  "genjax_zoo/build.py",
  "genjax_zoo/sample.py",
  "genjax_zoo/evaluate.py",
  "genjax_zoo/data/__init__.py",
  "genjax_zoo/data/dataset.py",
  "genjax_zoo/prob/*.py",
  "genjax_zoo/nn/*.py",
  "genjax_zoo/metrics/*.py",
)
ACROSS = 4  # Pictures of the gallery side by side.
MEANS = "An FID of means is that of E[x | z], not of samples of the model: it is not compared.\n"


def families(results: dict[str, dict], root: str) -> str:
  """A row for each family of models, with its best unconditional results on digits."""
  on_digits = [e for e in results.values() if e["data"] == "digits" and not conditions(e)]
  rows = []
  for folder, family in FAMILIES.items():
    files = sorted((ROOT / "genjax_zoo/models" / folder).glob("[a-z]*.py"))
    models = ", ".join(link(file.stem, file, root) for file in files)
    members = [e for e in on_digits if model_file(e).parent.name == folder]
    rows.append([family, models, best_likelihood(members, root), best_fid(members, root)])
  return markdown(["family", "models", "−log p(x)", "FID"], rows)


def best_likelihood(evaluations: list[dict], root: str) -> str:
  """The lowest -log p in bits/dim, an estimate only where nothing else is known."""

  def order(evaluation):
    found = evaluation["likelihood"]
    return found["kind"] == "estimate", found["bits_per_dim"]

  known = [e for e in evaluations if in_bits(e.get("likelihood"))]
  if not known:
    return ""
  found = min(known, key=order)
  return f"{likelihood(found['likelihood'])}: {source(found, root)}"


def best_fid(evaluations: list[dict], root: str) -> str:
  """The lowest FID of samples."""
  measured = lambda e: "fid" in (e.get("quality") or {})
  known = [e for e in evaluations if measured(e) and not restores(e) and not of_means(e)]
  if not known:
    return ""
  found = min(known, key=lambda e: e["quality"]["fid"])
  return f"{number(found['quality']['fid'])}: {source(found, root)}"


def of_means(evaluation: dict) -> bool:
  """Whether the quality is that of E[x | z], not of samples."""
  return (evaluation.get("quality") or {}).get("samples_are") == "means"


def source(evaluation: dict, root: str) -> str:
  """The config of a result and the time it trained for."""
  return f"{config_link(evaluation, root)}, {training_time(evaluation)}"


def all_results(results: dict[str, dict], root: str) -> str:
  """A section for each data set, digits first: generative models, then restorations."""
  if not results:
    return EMPTY + "\n"
  names = sorted({e["data"] for e in results.values()}, key=lambda name: (name != "digits", name))
  order = lambda e: (list(FAMILIES).index(model_file(e).parent.name), e["config"])
  sections = []
  for name in names:
    of_data = sorted((e for e in results.values() if e["data"] == name), key=order)
    sections.append(f"## {name}\n\n{section(of_data, root)}")
  return "\n".join(sections)


def section(evaluations: list[dict], root: str) -> str:
  """The tables of a data set, with what their marks and features mean."""
  marks = condition_marks(evaluations)
  generative = [e for e in evaluations if not restores(e)]
  head = ["family", "model", "paper", "config", NLL, GIVEN, "FID", "accuracy", "training"]
  parts = [
    markdown(head, [generative_row(e, marks, root) for e in generative]),
    *(f"{mark} Given the {', '.join(names)}.\n" for names, mark in marks.items()),
    MEANS if any(map(of_means, generative)) else "",
    features(generative),
  ]
  if restorations := [e for e in evaluations if restores(e)]:
    head = ["restoration", "model", "PSNR", "PSNR of the baseline", "training"]
    parts.append(markdown(head, [restoration_row(e, root) for e in restorations]))
  return "\n".join(part for part in parts if part)


def generative_row(evaluation: dict, marks: dict, root: str) -> list[str]:
  """The cells of a generative model's evaluation."""
  file = model_file(evaluation)
  mark = marks.get(conditions(evaluation), "")
  found = evaluation.get("likelihood")
  given = likelihood(found) if found and found.get("given") else ""
  quality = evaluation.get("quality") or {}
  what = "means" if of_means(evaluation) else "samples"
  fid = f"{number(quality['fid'])} ({quality['samples']:,} {what})" if "fid" in quality else ""
  accuracy = (evaluation.get("metrics") or {}).get("accuracy")
  return [
    FAMILIES[file.parent.name],
    link(file.stem, file, root),
    paper(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""),
    config_link(evaluation, root),
    likelihood(of_data(found)),
    f"{given} {mark}".strip() if given else "",
    f"{fid} {mark}".strip() if fid else "",
    "" if accuracy is None else f"{accuracy:.3f}",
    training_time(evaluation),
  ]


def restoration_row(evaluation: dict, root: str) -> list[str]:
  """The cells of a model that undoes a corruption."""
  file = model_file(evaluation)
  metrics = evaluation["metrics"]
  return [
    config_link(evaluation, root),
    link(file.stem, file, root),
    f"{metrics['psnr']:.2f} dB",
    f"{metrics['psnr_baseline']:.2f} dB",
    training_time(evaluation),
  ]


def conditions(evaluation: dict) -> tuple[str, ...]:
  """What a run is conditioned on, by its config and by what its samples were judged by."""
  judged = (evaluation.get("judged") or {}).get("samples", {})
  if "psnr" in judged:  # Each sample has an answer; that of super-resolution has its low image too.
    return ("degraded image",) if "low_error" in judged else ("test input",)
  named = resolved(evaluation["config"])["model"].get("condition") or ()
  agrees = "agreement" in (evaluation.get("quality") or {})
  return tuple(named) if named and not isinstance(named, str) else ("label",) * agrees


def condition_marks(evaluations: list[dict]) -> dict[tuple[str, ...], str]:
  """{conditions: footnote mark} of those that occur."""
  return dict(zip(sorted({conditions(e) for e in evaluations} - {()}), MARKS))


def features(evaluations: list[dict]) -> str:
  """The sentence that says in which features an FID is measured."""
  names = sorted({e["quality"]["features"] for e in evaluations if e.get("quality")})
  quoted = ", ".join(f"`{name}`" for name in names)
  return f"Features of the FID: {quoted}.\n" if names else ""


def likelihood(found: dict | None) -> str:
  """-log p with its kind, "≤ 2.257 ± 0.012 bits/dim", or in nats where `in_bits` is False."""
  if not found:
    return ""
  nll, error = -found["nats"], found.get("standard_error")
  unit, digits = "nats", 2
  if in_bits(found):
    bits = found["bits_per_dim"]
    error = error and error * abs(bits / nll)
    nll, unit, digits = bits, "bits/dim", 3
  value = f"{nll:.{digits}f}".replace("-", "−")
  plus_minus = f" ± {error:.{digits}f}" if error else ""
  return f"{SIGNS[found['kind']]} {value}{plus_minus} {unit}"


def in_bits(found: dict | None) -> bool:
  """Whether a likelihood is one of integers with more than two values."""
  return bool(found) and found.get("bits_per_dim") is not None and not found.get("binarization")


def training_time(evaluation: dict) -> str:
  """Time and device of training."""
  training = evaluation["training"]
  seconds = training.get("seconds")
  return f"{duration(seconds)}, {training['device']}" if seconds else ""


def paper(docstring: str) -> str:
  """Authors and year of the paper in brackets in a docstring's first lines, linked to arXiv."""
  # The brackets may be a paragraph of their own, after the first line.
  head = re.split(r"\n\n(?!\()", docstring)[0]
  text = " ".join(head.split())
  source = re.search(r"\(([^()]+ \d{4}\b[^()]*)\)", text)
  if not source:
    return ""
  linked = re.match(r"(.+? \d{4})[,;] (?:arXiv:)?(\d{4}\.\d{4,5}|[a-z-]+/\d{7})", source[1])
  if linked:
    authors, arxiv = linked.groups()
    return f"{authors}, [{arxiv}](https://arxiv.org/abs/{arxiv})"
  return re.match(r".+? \d{4}", source[1])[0]


def lessons(results: dict[str, dict], root: str) -> str:
  """A row for each lesson: its name, its docstring's first sentence, and the verdict, its last."""
  rows = []
  for file in sorted((ROOT / "experiments/lessons").glob("[a-z]*.py")):
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    claim, *_, last = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    verdict = last.removeprefix("Verdict: ") if last.startswith("Verdict: ") else ""
    rows.append([link(file.stem, file, root), claim, verdict])
  return markdown(["lesson", "what it shows", "verdict"], rows)


def gallery(results: dict[str, dict], root: str) -> str:
  """The pictures of docs/gallery, a section for each family, and the models that have none."""
  pictures = {path.stem: path for path in sorted((ROOT / "docs/gallery").glob("*.webp"))}
  parts = []
  for folder, family in FAMILIES.items():
    models = {file.stem for file in (ROOT / "genjax_zoo/models" / folder).glob("[a-z]*.py")}
    drawn = {name: resolved(name)["model"]["name"] for name in pictures}
    cells = [picture(name, root) for name, model in drawn.items() if model in models]
    rows = [cells[i : i + ACROSS] for i in range(0, len(cells), ACROSS)]
    rows = [row + [""] * (ACROSS - len(row)) for row in rows]
    lacking = ", ".join(sorted(models - set(drawn.values())))
    note = f"Without a picture: {lacking}.\n" if lacking else ""
    parts.append("\n".join(filter(None, (f"## {family}\n", markdown([" "] * ACROSS, rows), note))))
  return "\n".join(parts)


def picture(config: str, root: str) -> str:
  """The picture of a config's samples, above its link."""
  config_file = link(config, ROOT / f"experiments/configs/{config}.py", root)
  return f"![samples of {config}]({root}docs/gallery/{config}.webp)<br>{config_file}"


def measures(results: dict[str, dict], root: str) -> str:
  """A row for each measure of evaluations: its unit, its meaning, and which values are better."""
  rows = [[title(k), m.unit, m.meaning, m.better] for k, m in METRICS.items() if m.meaning]
  return markdown(["measure", "unit", "meaning", "better"], rows)


def api(results: dict[str, dict], root: str) -> str:
  """A section for each module of PUBLIC: its functions and classes, and what they return."""
  parts = []
  for file in [file for pattern in PUBLIC for file in sorted(ROOT.glob(pattern))]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    rows = [entry for node in tree.body for entry in documented(node)]
    if rows:
      about = ast.get_docstring(tree).split("\n\n")[0]
      table = markdown(["name", "what it is"], rows)
      parts.append(f"## [{name}]({root}{file.relative_to(ROOT)})\n\n{about}\n\n{table}")
  return "\n".join(parts)


def documented(node, prefix: str = "") -> list[list[str]]:
  """The rows (name, first line of the docstring) of a public function or class, and its methods."""
  text = ast.get_docstring(node) if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else None
  if not text or node.name.startswith("_"):
    return []
  # Neither the end of a cell nor a link: [h, w](image).
  about = text.split("\n")[0].replace("|", "\\|").replace("](", "] (")
  if isinstance(node, ast.ClassDef):
    own = [[f"`{node.name}`", about]]
    return own + [row for method in node.body for row in documented(method, f"{node.name}.")]
  arguments = [a.arg for a in (*node.args.args, *node.args.kwonlyargs) if a.arg != "self"]
  is_property = any(ast.unparse(decorator) == "property" for decorator in node.decorator_list)
  call = "" if is_property else f"({', '.join(arguments)})"
  return [[f"`{prefix}{node.name}{call}`", about]]


def markdown(head: list[str], rows: list[list[str]]) -> str:
  """A table in Markdown without the columns that are empty; "" without rows."""
  filled = [i for i in range(len(head)) if any(row[i] for row in rows)]
  lines = [head, ["---"] * len(head), *rows]
  kept = [[line[i] for i in filled] for line in lines]
  return "".join(f"| {' | '.join(cells)} |\n" for cells in kept) if rows else ""


def link(text: str, file: Path, root: str) -> str:
  """A link to a file of the repository."""
  return f"[{text}]({root}{file.relative_to(ROOT)})"


def config_link(evaluation: dict, root: str) -> str:
  """A link to the config of an evaluation."""
  name = evaluation["config"]
  return link(name, ROOT / f"experiments/configs/{name}.py", root)


def model_file(evaluation: dict) -> Path:
  """The file of a result's model, by its committed config."""
  name = resolved(evaluation["config"])["model"]["name"]
  return next((ROOT / "genjax_zoo/models").glob(f"*/{name}.py"))


@functools.cache
def resolved(name: str) -> dict:
  """A committed config with its defaults. Raises UserError where there is none."""
  if not (ROOT / f"experiments/configs/{name}.py").is_file():
    raise UserError(f"there is no experiments/configs/{name}.py: delete its result")
  return resolve.resolve(f"configs/{name}.py").to_dict()


def control(results: dict[str, dict], root: str) -> str:
  """Ways to steer: a row for each, with its measures at each strength, from docs/control.json."""
  found = json.loads((ROOT / "docs/control.json").read_text(encoding="utf-8"))["results"]
  head = ["", "strength", "right", "distinct", "fluency, nats", "trained numbers", "ms a sample"]
  rows = []
  for kind, right, fluency in (("sentences", "both", "nll"), ("digits", "agreement", "fid")):
    for way, strengths in found[kind].items():
      several = lambda name: ", ".join(f"{m[name]:.2f}" for m in strengths.values() if name in m)
      rows.append(
        [
          way if kind == "sentences" else f"digits: {way}",
          ", ".join(strengths),
          several(right),
          several("distinct") or several("recall"),
          several(fluency),
          ", ".join(dict.fromkeys(f"{m['parameters']:,.0f}" for m in strengths.values())),
          f"{1000 * max(m['seconds a sample'] for m in strengths.values()):.2g}",
        ]
      )
  return markdown(head, rows)


def text_to_image(results: dict[str, dict], root: str) -> str:
  """Systems side by side: a row for each, the best at once first, from docs/text_to_image.json."""
  found = json.loads((ROOT / "docs/text_to_image.json").read_text(encoding="utf-8"))
  words = "shape", "colour", "size", "x", "y", "background"
  head = ["system", "all", "all, unseen", *words, "R-precision", "FID", "precision", "recall"]
  head += ["ms a sample", "network calls"]
  at_once = lambda e: e["judged"]["samples"]["all"]
  rows = []
  for e in sorted(found["evaluations"], key=at_once, reverse=True):
    seen, quality, sampling = e["judged"]["samples"], e["quality"], e["sampling"]
    shares = [seen["all"], e["judged"]["unseen"]["all"], *(seen[word] for word in words)]
    shares += [seen["clip_r_precision"]]
    row = [config_link(e, root), *(f"{x:.2f}" for x in shares), f"{quality['fid']:.2f}"]
    row += [f"{quality[name]:.2f}" for name in ("precision", "recall")]
    milliseconds = f"{1000 * sampling['seconds_per_image']:.2g}"
    rows.append([*row, milliseconds, str(sampling["network_evaluations"])])
  return markdown(head, rows)


def by_steps(results: dict[str, dict], root: str) -> str:
  """The quality of samples by steps and samplers, from docs/frontier.json."""
  found = json.loads((ROOT / "docs/frontier.json").read_text(encoding="utf-8"))
  return frontier.table(found["sweeps"], root)


def beside_packages(results: dict[str, dict], root: str) -> str:
  """The models of other packages and ours: ratios of speed, from docs/peers.json."""
  return peers.table(json.loads((ROOT / "docs/peers.json").read_text(encoding="utf-8")))


# {page: {table: (its function, path from the page to the root)}}.
PAGES: dict[str, dict[str, tuple[Callable, str]]] = {
  "README.md": {"families": (families, ""), "control": (control, "")},
  "docs/results.md": {"results": (all_results, "../")},
  "docs/lessons.md": {"lessons": (lessons, "../")},
  "docs/gallery.md": {"gallery": (gallery, "../")},
  "docs/text_to_image.md": {"text_to_image": (text_to_image, "../")},
  "docs/speed.md": {"peers": (beside_packages, "../"), "frontier": (by_steps, "../")},
  "docs/measures.md": {"measures": (measures, "../")},
  "docs/api.md": {"api": (api, "../")},
}
