"""Runs lessons, all of them by default, and writes a page of each:

  python -m experiments.lessons [NAME ...] [--smoke] [--workdir=runs/lessons]

WORKDIR/NAME gets lesson.json (the numbers, the device, the seconds), the pictures, and report.html.
"""

import importlib
from pathlib import Path
import sys
import time

from absl import app, flags
import jax

from experiments import main as main  # Its flags, --workdir among them.
from genjax_zoo import data as datasets
from genjax_zoo.core import UserError, nearest
from genjax_zoo.evaluate import device_name
from genjax_zoo.figures.pictures import save
from genjax_zoo.log import write_json
from genjax_zoo.report.page import image, page, section, table, tag
from genjax_zoo.report.run_page import flat

flags.DEFINE_bool("smoke", False, "The same in seconds: it shows that it runs, nothing else.")
FLAGS = flags.FLAGS
HERE = Path(__file__).parent


def names() -> list[str]:
  """All lessons."""
  return sorted(p.stem for p in HERE.glob("[a-z]*.py"))


def teach(name: str, folder: Path, smoke: bool) -> dict:
  """Runs one lesson and writes its folder; returns what lesson.json holds.

  Raises UserError when there is no lesson of that name.
  """
  if name not in names():
    raise UserError(
      f"no lesson is called {name!r}{nearest(name, names())}; there are {', '.join(names())}"
    )
  module, begun = importlib.import_module(f"experiments.lessons.{name}"), time.perf_counter()
  numbers, pictures = module.lesson(smoke)
  versions = {"jax": jax.__version__}
  found = {
    "lesson": name,
    "smoke": smoke,
    "numbers": numbers,
    "seconds": time.perf_counter() - begun,
  }
  found |= {"device": device_name(), "versions": versions}
  claim, *text = module.__doc__.strip().split("\n\n")
  shown = []
  for i, (picture, caption) in enumerate(pictures):
    save(folder / f"{i}.png", picture)
    shown.append(image(folder / f"{i}.png", caption))
  write_json(folder / "lesson.json", found)
  body = [tag("header", tag("h1", claim), *(tag("p", paragraph) for paragraph in text))]
  body += [section("Pictures", *shown), section("Numbers", table(flat(numbers)))]
  (folder / "report.html").write_text(page(claim, *(part for part in body if part)))
  return found


def command(argv):
  """Runs the lessons of the command line; what the user can mend is told in one line."""
  jax.config.update("jax_compilation_cache_dir", str(datasets.cache_folder() / "xla"))
  try:
    for name in argv[1:] or names():
      folder = Path(FLAGS.workdir or "runs/lessons") / name
      try:
        found = teach(name, folder, FLAGS.smoke)
      except UserError as e:  # Of all lessons, one may lack its data.
        if argv[1:]:
          raise
        print(f"{name}: {e}", file=sys.stderr)
        continue
      print(f"{name}: {found['seconds']:.0f} s, {folder / 'report.html'}")
      for key, value in flat(found["numbers"]):
        print(f"  {key} {value}")
  except UserError as e:
    sys.exit(f"error: {e}")
  except KeyboardInterrupt:
    sys.exit("stopped")


if __name__ == "__main__":
  app.run(command)
