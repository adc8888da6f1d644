"""Builds the documentation as a site that needs no network: `make docs`, then site/index.html.

Its pages are those of docs/, README.md and, made here, one for each model: its idea, its results
and samples, the slides that name it, and its file, function by function, beside the formulas that
the lectures have of them. Files of code that a page links to become pages too. Formulas become
MathML, which browsers draw themselves.
"""

import argparse
import ast
from collections.abc import Iterator
import json
import os
from pathlib import Path
import posixpath
import re
import shutil
import subprocess
import sys

from experiments import lectures, table
from experiments.pages import FAMILIES, ROOT
from genjax_zoo import published
from genjax_zoo.core import UserError
from genjax_zoo.log import read_json
from genjax_zoo.report.measures import SIGNS

BUILD = ROOT / "build/docs"
SITE = ROOT / "build/site"
# Pages of the root, by the names that they get.
PAGES = {"README.md": "start.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}  # fmt: skip  # noqa: E501
COPIED = ".png", ".webp", ".json", ".svg"
CONFIG = """\
site_name: genjax_zoo
docs_dir: docs
site_dir: {site}
use_directory_urls: false
theme:
  name: material
  font: false
  features: [navigation.indexes, navigation.top, content.code.copy]
  palette:
    - {{media: "(prefers-color-scheme: light)", scheme: default, primary: indigo}}
    - {{media: "(prefers-color-scheme: dark)", scheme: slate, primary: indigo}}
plugins: [search]
extra_css: [site.css]
extra: {{generator: false}}
validation: {{omitted_files: ignore, anchors: ignore}}
markdown_extensions:
  - tables
  - attr_list
  - pymdownx.superfences
  - pymdownx.highlight: {{linenums_style: pymdownx-inline}}
nav:
{nav}
"""
STYLE = """\
.md-grid { max-width: 84rem }
.md-typeset img { image-rendering: pixelated }
div:has(> math) { overflow-x: auto }
.md-typeset figure, .md-typeset figcaption { margin: 0 0 .5rem; text-align: left }
"""


def model_files() -> list[Path]:
  """The files of all models, family by family."""
  folders = [ROOT / "genjax_zoo/models" / family for family in FAMILIES]
  return [file for folder in folders for file in sorted(folder.glob("[a-z]*.py"))]


def page_of(path: Path) -> str:
  """The page of the site, or the file beside its pages, that shows a file of the repository."""
  name = path.relative_to(ROOT).as_posix()
  if name in PAGES:
    return PAGES[name]
  if path in model_files():
    return f"models/{path.stem}.md"
  if name.startswith("docs/") and path.suffix in (".md", ".ipynb", *COPIED):
    return name.removeprefix("docs/").replace(".ipynb", ".md")
  return f"code/{name}.md"


def relinked(text: str, here: Path, needed: set[Path]) -> str:
  """A page's text with its links to files turned into links of the site.

  `here` is the file that it comes from; what it links to is added to `needed`.
  """

  def turned(match) -> str:
    target, _, anchor = match[1].partition("#")
    path = Path(os.path.normpath(here.parent / target))
    if not target or "://" in target or target.startswith("mailto:") or not path.exists():
      return match[0]
    needed.add(path)
    link = posixpath.relpath(page_of(path), posixpath.dirname(page_of(here)) or ".")
    return f"]({link}{'#' + anchor if anchor else ''})"

  return re.sub(r"\]\(([^)\s]+)\)", turned, text)


def with_mathml(text: str) -> str:
  """A page's text with the formulas between dollars as MathML; code stays as it is."""
  from latex2mathml.converter import convert

  def formula(match) -> str:
    block = match["block"]
    made = convert(block or match["inline"], display="block" if block else "inline")
    # A bar would end a cell of a table.
    made = made.replace("|", "&#124;")
    return f"\n\n<div>{made}</div>\n\n" if block else made

  pattern = r"\$\$(?P<block>.+?)\$\$|(?<![\w\\$])\$(?P<inline>[^$\s](?:[^$\n]*[^$\s])?)\$(?![\w$])"
  parts = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
  return "".join(
    part if i % 2 else re.sub(pattern, formula, part, flags=re.DOTALL)
    for i, part in enumerate(parts)
  )


def prose(docstring: str) -> str:
  """A docstring as Markdown: its signs are text, what is indented in it is code."""
  lines = []
  for line in docstring.splitlines():
    if line.startswith("  "):
      lines.append(f"    {line.strip() if line.startswith('    ') else line[2:]}")
    else:
      lines.append(escaped(line))
  # Code in Markdown stands apart.
  text = "\n".join(lines)
  return re.sub(r"(?m)^(?!    )(\S.*)\n(?=    )", r"\1\n\n", text)


def escaped(line: str) -> str:
  """A line whose Markdown signs, outside of code, are text."""
  parts = re.split(r"(`[^`]*`)", line)
  return "".join(p if i % 2 else re.sub(r"([*_<>|\[\]$])", r"\\\1", p) for i, p in enumerate(parts))


def fenced(lines: list[str], first: int) -> str:
  """Lines of Python as a block that counts from `first`."""
  return "\n".join([f'```python linenums="{first}"', *lines, "```"])


def blocks(path: Path) -> Iterator[tuple[str, str, str]]:
  """(name, docstring, code) of each function and class of a file, and of what is between them.

  The code is without the docstring; what is between has no name.
  """
  source = path.read_text(encoding="utf-8")
  lines = source.splitlines()
  begun = 1
  for node in ast.parse(source).body:
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
      continue
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    if between := trimmed(lines, begun, first - 1):
      yield "", "", fenced(*between)
    doc = ast.get_docstring(node)
    kept = list(range(first, node.end_lineno + 1))
    if doc:
      kept = [i for i in kept if not node.body[0].lineno <= i <= node.body[0].end_lineno]
    yield node.name, doc or "", fenced([lines[i - 1] for i in kept], first)
    begun = node.end_lineno + 1
  if between := trimmed(lines, begun, len(lines)):
    yield "", "", fenced(*between)


def trimmed(lines: list[str], first: int, last: int) -> tuple[list[str], int] | None:
  """(lines first to last without empty ones at either end, the first's number); None of none."""
  kept = [i for i in range(first, last + 1) if lines[i - 1].strip()]
  return (lines[kept[0] - 1 : kept[-1]], kept[0]) if kept else None


def formulas(path: Path, decks: dict) -> dict[str, list[str]]:
  """{function: what the lectures have of it: formulas, and the slides} of a model's file."""
  name = path.relative_to(ROOT / "genjax_zoo").as_posix()
  found = {}
  for letter, deck in decks.items():
    for entry in deck["entry"]:
      for reference in entry.get("code", []):
        file, functions = lectures.parse(reference)
        if file != name:
          continue
        slide = (
          f"[{letter}: {entry['title']}](../lectures/{letter}.md#{lectures.slug(entry['title'])})"
        )
        lines = [f"$${f}$$" for f in entry.get("equation", "").strip().splitlines()]
        found.setdefault(functions[0] if functions else "", []).append("\n\n".join([*lines, slide]))
  return found


def model_page(path: Path, configs: dict[str, str], results: dict, decks: dict) -> str:
  """The page of a model; `configs` are {config: model}."""
  source = path.read_text(encoding="utf-8")
  doc = ast.get_docstring(ast.parse(source)) or ""
  title, _, idea = doc.partition("\n")
  named = [name for name, model in configs.items() if model == path.stem]
  parts = [f"# {path.stem}", prose(title), prose(idea.strip())]
  if named:
    parts += ["## Results", results_of(named, results), *samples_of(named)]
    parts += [curves_of(name, results) for name in named]
    parts += ["## Run it", f"```bash\npython -m experiments.main --config={named[0]}\n```"]
    if command := lectures.touched(named):
      parts.append(f"Touch it, trained: {command}")
    links = [f"[{name}](../code/experiments/configs/{name}.py.md)" for name in named]
    parts.append(f"Configs: {', '.join(links)}")
  beside = formulas(path, decks)
  parts += ["## The file", f"`{path.relative_to(ROOT).as_posix()}`", *beside.pop("", [])]
  for name, docstring, code in list(blocks(path)):
    if name:
      parts += [f"### {name}", prose(docstring), *beside.pop(name, [])]
    parts.append(code)
  if beside:  # Of functions inside others.
    parts += ["### In the lectures", *(text for texts in beside.values() for text in texts)]
  return "\n\n".join(part for part in parts if part) + "\n"


def results_of(names: list[str], results: dict) -> str:
  """A table of the committed results of some configs, with the kinds of their likelihoods."""
  rows = []
  for name in names:
    e = results.get(name)
    if e is None:
      continue
    likelihood, quality = e.get("likelihood") or {}, e.get("quality") or {}
    bits = likelihood.get("bits_per_dim")
    value = bits if bits is not None else likelihood and -likelihood["nats"]
    unit = "bits/dim" if bits is not None else "nats"
    nll = f"{SIGNS[likelihood['kind']]} {value:.3f} {unit}" if likelihood else ""
    fid = f"{quality['fid']:.3g}" if "fid" in quality else ""
    seconds = (e.get("training") or {}).get("seconds")
    cost = f"{seconds:.0f} s, {e['training']['device']}" if seconds else ""
    rows.append(f"| {name} | {nll} | {fid} | {cost} |")
  if not rows:
    return "No result is committed yet."
  head = "| config | −log p(x) of test data | FID | training |\n| --- | --- | --- | --- |"
  return "\n".join([head, *rows])


def samples_of(names: list[str]) -> list[str]:
  """Pictures of samples of some configs, at most two."""
  found = [name for name in names if (ROOT / f"docs/gallery/{name}.webp").is_file()]
  return [f"![samples of {name}](../gallery/{name}.webp)" for name in found[:2]]


def curves_of(name: str, results: dict) -> str:
  """The losses of a config's training, drawn, from its result or the package; "" without them."""
  file = published.FOLDER / f"{name}.json"
  of_package = read_json(file)["evaluation"] if file.is_file() else {}
  found = [(e.get("training") or {}).get("curve") for e in (results.get(name, {}), of_package)]
  steps, *losses = next(filter(None, found), {"step": []}).items()
  return "\n\n".join(drawn(f"{name}, {k.replace('_', ' ')}", steps[1], x) for k, x in losses)


def drawn(title: str, steps: list[int], values: list[float | None]) -> str:
  """A curve as a drawing, with its title and its ends; values that are None are left out."""
  points = [(x, y) for x, y in zip(steps, values) if y is not None]
  low, high = min(y for _, y in points), max(y for _, y in points)
  across = lambda x: 300 * x / points[-1][0]
  up = lambda y: 95 - 90 * (y - low) / ((high - low) or 1)
  line = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
  ends = ", ".join(f"{y:.4g} at step {x:,}" for x, y in (points[0], points[-1]))
  return (
    f'<figure><svg viewBox="0 0 300 100" width="300" role="img" aria-label="{title}">'
    f'<polyline points="{line}" fill="none" stroke="currentColor"/></svg>'
    f"<figcaption>{title}: {ends}</figcaption></figure>"
  )


def text_of(path: Path) -> str:
  """A page's Markdown; that of a notebook is its texts and its code, without outputs."""
  text = path.read_text(encoding="utf-8")
  if path.suffix != ".ipynb":
    return text
  cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]
  return "\n\n".join(f"```python\n{x}\n```" if kind == "code" else x for kind, x in cells)


def code_page(path: Path) -> str:
  """A file as a page, or the list of a folder's files."""
  name = path.relative_to(ROOT).as_posix()
  if path.is_dir():
    files = sorted(p.relative_to(ROOT).as_posix() for p in path.iterdir() if p.name[0] not in "._")
    return f"# {name}\n\n" + "\n".join(f"- `{file}`" for file in files) + "\n"
  language = {".py": "python", ".toml": "toml"}.get(path.suffix, "text")
  text = path.read_text(encoding="utf-8").rstrip("\n")
  fence = "````" if "```" in text else "```"
  return f'# {name}\n\n{fence}{language} linenums="1"\n{text}\n{fence}\n'


def navigation() -> str:
  """The site's contents: what to read first, the models by family, the lectures, and the rest."""
  entry = lambda title, page, deep: f"{'  ' * deep}- {title!r}: {page}"
  lines = [entry("Contents", "index.md", 1), entry("Start", "start.md", 1), "  - Tutorials:"]
  lines += [entry(*page, 2) for page in (
    ("The first hour", "first_hour.md"),
    ("Your own images", "tutorials/images.md"), ("A paper into a model", "tutorials/paper.md"),
    ("Anatomy of a run", "anatomy.md"), ("Models in stages", "stages.md"),
  )]  # fmt: skip
  lines += ["  - Models:", entry("Which model for what", "models.md", 2)]
  lines.append(entry("Gallery", "gallery.md", 2))
  for folder, family in FAMILIES.items():
    lines.append(f"    - {family}:")
    own = [file for file in model_files() if file.parent.name == folder]
    lines += [entry(file.stem, page_of(file), 3) for file in own]
  lines += ["  - Lectures:", entry("Slide by slide", "lectures/README.md", 2)]
  lines += [entry(letter, f"lectures/{letter}.md", 2) for letter in "ABCDE"]
  lines.append(entry("Mistakes on slides", "errata.md", 2))
  lines.append("  - Measured:")
  for title, page in (
    ("Results", "results"),
    ("Lessons", "lessons"),
    ("Text to image", "text_to_image"),
    ("Measures", "measures"),
    ("Speed", "speed"),
  ):
    lines.append(entry(title, f"{page}.md", 2))
  lines.append("  - Reference:")
  for title, page in (
    ("Functions", "api"),
    ("Decisions", "decisions"),
    ("Contributing", "contributing"),
    ("Changes", "changelog"),
  ):
    lines.append(entry(title, f"{page}.md", 2))
  return "\n".join(lines)


def write(build: Path = BUILD, site: Path = SITE):
  """Writes the pages in Markdown, and mkdocs.yml, into the folder `build`."""
  shutil.rmtree(build, ignore_errors=True)
  pages = {}
  needed = set()
  documents = [p for p in (ROOT / "docs").rglob("*") if p.suffix in (".md", ".ipynb")]
  for path in [*documents, *(ROOT / name for name in PAGES)]:
    pages[page_of(path)] = with_mathml(relinked(text_of(path), path, needed))
  results, decks = table.read(table.RESULTS), {k: lectures.read(k) for k in "ABCDE"}
  configs = config_models()
  needed |= {ROOT / f"experiments/configs/{name}.py" for name in configs}
  for path in model_files():
    pages[page_of(path)] = with_mathml(model_page(path, configs, results, decks))
  for path in needed:
    if page_of(path).startswith("code/"):
      pages[page_of(path)] = code_page(path)
  for name, text in pages.items():
    page = build / "docs" / name
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")
  for path in (ROOT / "docs").rglob("*"):
    if path.suffix in COPIED:
      copy = build / "docs" / path.relative_to(ROOT / "docs")
      copy.parent.mkdir(parents=True, exist_ok=True)
      shutil.copyfile(path, copy)
  (build / "docs/site.css").write_text(STYLE, encoding="utf-8")
  (build / "mkdocs.yml").write_text(CONFIG.format(site=site, nav=navigation()), encoding="utf-8")


def config_models() -> dict[str, str]:
  """{config: the name of its model} of all configs, from their text."""
  found = {}
  for path in sorted((ROOT / "experiments/configs").glob("[a-z]*.py")):
    match = re.search(r"model=dict\(\s*name=\"(\w+)\"", path.read_text(encoding="utf-8"))
    if match:
      found[path.stem] = match[1]
  return found


def main(arguments):
  """Builds the site. Raises UserError where MkDocs is missing, or warns of a page."""
  parser = argparse.ArgumentParser(prog="python -m experiments.website", description=__doc__)
  parser.add_argument("--out", type=Path, default=SITE, help="the folder of the site")
  options = parser.parse_args(arguments)
  write(BUILD, options.out.absolute())
  command = [
    sys.executable,
    "-m",
    "mkdocs",
    "build",
    "--strict",
    "--quiet",
    "-f",
    str(BUILD / "mkdocs.yml"),
  ]
  # Its makers' news are no warning of a page.
  if subprocess.run(command, check=False, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}).returncode:
    raise UserError("the site was not built: pip install -e '.[docs]', or mend what is said above")
  print(f"{options.out / 'index.html'}")


if __name__ == "__main__":
  try:
    main(sys.argv[1:])
  except UserError as e:
    sys.exit(f"error: {e}")
