"""What running a lesson leaves: its results, its pictures and a page."""

import importlib
from pathlib import Path
import time

import jax

from genjax_zoo.core import UserError, nearest, similar
from genjax_zoo.evaluate import device_name
from genjax_zoo.figures.pictures import save
from genjax_zoo.log import duration, write_json
from genjax_zoo.report.page import image, page, section, table, tag
from genjax_zoo.report.run_page import flat

HERE = Path(__file__).parent
DECKS = "Decks A to E are slides of lectures on generative models; docs/errata.md is about them."


def names() -> list[str]:
  """The names of all lessons."""
  return sorted(p.stem for p in HERE.glob("[a-z]*.py"))


def run_lesson(name: str, folder: Path, smoke: bool) -> dict:
  """Runs one lesson, writes its folder and returns the content of lesson.json.

  Raises UserError for an unknown name, and for data that are not there.
  """
  if name not in names():
    raise UserError(
      f"no lesson is called {name!r}{nearest(name, names())}; there are {similar(name, names())}: "
      "docs/lessons.md lists them"
    )
  module = importlib.import_module(f"experiments.lessons.{name}")
  begun = time.perf_counter()
  results, pictures = module.lesson(smoke)
  found = {
    "lesson": name,
    "smoke": smoke,
    "results": results,
    "seconds": time.perf_counter() - begun,
    "device": device_name(),
    "versions": {"jax": jax.__version__},
  }
  write_json_and_page(folder, found, module.__doc__, pictures)
  return found


def rounded(results: dict) -> list[tuple[str, str]]:
  """Rows (dotted key, value) of nested results, floats in four digits."""

  def short(x):
    if isinstance(x, dict):
      return {k: short(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
      return [short(v) for v in x]
    return float(f"{x:.4g}") if isinstance(x, float) else x

  return flat(short(results))


def write_json_and_page(folder: Path, found: dict, docstring: str, pictures):
  """Writes the pictures, lesson.json and report.html."""
  claim, *text = docstring.strip().split("\n\n")
  smoke = " --smoke" if found["smoke"] else ""
  command = f"python -m experiments.lessons {found['lesson']}{smoke}"
  cost = f"{duration(found['seconds'])} on {found['device']}, JAX {found['versions']['jax']}."
  if found["smoke"]:
    cost += " This was a smoke run: its numbers mean nothing."
  images = []
  for i, (picture, caption) in enumerate(pictures):
    save(folder / f"{i}.png", picture)
    images.append(image(folder / f"{i}.png", caption))
  write_json(folder / "lesson.json", found)
  paragraphs = [tag("p", paragraph) for paragraph in text]
  parts = [
    tag("header", tag("h1", claim), *paragraphs, tag("p", DECKS, class_="soft")),
    section("Pictures", *images),
    section("Results", table(rounded(found["results"]))),
    section("Reproduce", tag("pre", command), tag("p", cost, class_="soft")),
  ]
  (folder / "report.html").write_text(page(claim, *(part for part in parts if part)))
