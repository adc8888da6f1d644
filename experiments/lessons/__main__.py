"""Runs lessons, all of them by default, and writes a page for each:

  python -m experiments.lessons [NAME ...] [--smoke] [--workdir=runs/lessons]

WORKDIR/NAME gets lesson.json (the results, the device, the seconds), the pictures and report.html.
"""

from experiments.start import on_large_pages

if __name__ == "__main__":
  on_large_pages()

from pathlib import Path
import sys

from absl import app, flags, logging
import jax

from experiments.lessons._lesson import names, rounded, run_lesson
from genjax_zoo.core import UserError
from genjax_zoo.data import cache_folder
from genjax_zoo.sharding import split_over_cores

flags.DEFINE_bool("smoke", False, "Run in seconds, to show that the lesson runs.")
flags.DEFINE_string("workdir", "runs/lessons", "Where the folders of the lessons go.")
FLAGS = flags.FLAGS


def main(argv):
  """Runs the lessons named; errors that the user can fix are reported in one line."""
  logging.set_verbosity(logging.WARNING)
  jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
  split_over_cores()
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
      for key, value in rounded(found["results"]):
        print(f"  {key} {value}")
  except UserError as e:
    sys.exit(f"error: {e}")
  except KeyboardInterrupt:
    sys.exit("stopped")


if __name__ == "__main__":
  app.run(main)
