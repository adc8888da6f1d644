"""Runs lessons, all of them by default, and writes a page for each:

  python -m experiments.lessons [NAME ...] [--smoke] [--workdir=runs/lessons]

WORKDIR/NAME gets lesson.json (the results, the device, the seconds), the pictures and report.html.
"""

import os

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import importlib
from pathlib import Path
import sys
import time

from absl import app, flags, logging
import jax

from genjax_zoo.core import UserError, nearest
from genjax_zoo.data import cache_folder
from genjax_zoo.evaluate import device_name
from genjax_zoo.figures.pictures import save
from genjax_zoo.log import write_json
from genjax_zoo.report.page import image, page, section, table, tag
from genjax_zoo.report.run_page import flat

flags.DEFINE_bool("smoke", False, "Run in seconds, to show that the lesson runs.")
flags.DEFINE_string("workdir", "runs/lessons", "Where the folders of the lessons go.")
FLAGS = flags.FLAGS
HERE = Path(__file__).parent


def names() -> list[str]:
  """The names of all lessons."""
  return sorted(p.stem for p in HERE.glob("[a-z]*.py"))


def run_lesson(name: str, folder: Path, smoke: bool) -> dict:
  """Runs one lesson, writes its folder and returns the content of lesson.json.

  Raises UserError for an unknown name, and for data that are not there.
  """
  if name not in names():
    raise UserError(
      f"no lesson is called {name!r}{nearest(name, names())}; there are {', '.join(names())}"
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


def write_json_and_page(folder: Path, found: dict, docstring: str, pictures):
  """Writes the pictures, lesson.json and report.html."""
  claim, *text = docstring.strip().split("\n\n")
  images = []
  for i, (picture, caption) in enumerate(pictures):
    save(folder / f"{i}.png", picture)
    images.append(image(folder / f"{i}.png", caption))
  write_json(folder / "lesson.json", found)
  paragraphs = [tag("p", paragraph) for paragraph in text]
  parts = [
    tag("header", tag("h1", claim), *paragraphs),
    section("Pictures", *images),
    section("Results", table(flat(found["results"]))),
  ]
  (folder / "report.html").write_text(page(claim, *(part for part in parts if part)))


def main(argv):
  """Runs the lessons named; errors that the user can fix are reported in one line."""
  logging.set_verbosity(logging.WARNING)
  jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
  try:
    for name in argv[1:] or names():
      folder = Path(FLAGS.workdir) / name
      try:
        found = run_lesson(name, folder, FLAGS.smoke)
      except UserError as e:
        if argv[1:]:
          raise
        print(f"{name}: {e}", file=sys.stderr)  # When all are run, one may lack its data.
        continue
      print(f"{name}: {found['seconds']:.0f} s, {folder / 'report.html'}")
      for key, value in flat(found["results"]):
        print(f"  {key} {value}")
  except UserError as e:
    sys.exit(f"error: {e}")
  except KeyboardInterrupt:
    sys.exit("stopped")


if __name__ == "__main__":
  app.run(main)
