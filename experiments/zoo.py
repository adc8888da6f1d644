"""Trains every model for one data set, evaluates all of them alike and writes one page:

  python -m experiments.zoo --data=digits [--only=vae_digits,gan_digits] [--budget=1m]
  [--workdir=runs/zoo]

Each config of experiments/configs whose data are `--data` gets a run folder in the workdir; the
same command again resumes. A config that fails is reported and the others go on. `--budget` limits
the training time of a model: it shortens configs that would take longer. Writes results.json and
report.html.
"""

import os

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

from pathlib import Path
import re
import shlex
import signal
import sys
import tempfile
import time
import traceback

from absl import app, flags, logging
import jax

from experiments import pipeline, resolve
from genjax_zoo.core import UserError, nearest
from genjax_zoo.data import cache_folder
from genjax_zoo.log import Log, read_json, read_rows
from genjax_zoo.report.zoo_page import write_comparison

flags.DEFINE_string("data", "digits", "The data set: digits, mnist, fashion_mnist, ...")
flags.DEFINE_list("only", [], "Names of configs; all of the data set by default.")
flags.DEFINE_string("budget", "", "The longest training time of a model: 90s, 5m, 1h.")
flags.DEFINE_integer("samples", 2000, "Number of samples to measure the quality of each model.")
flags.DEFINE_string("workdir", None, "The folder of the runs; runs/zoo_<data> by default.")
FLAGS = flags.FLAGS


def fitting(data: str, only=()) -> list[str]:
  """The names of the configs that train a generative model on `data`, in alphabetical order.

  Raises UserError when there are none, or when one of `only` is not among them.
  """
  names = []
  for path in sorted((resolve.HERE / "configs").glob("[a-z]*.py")):
    config = resolve.resolve(str(path))
    source = re.sub("^(tfds|npz|folder):(.*/)?", "", config.data.name).removesuffix(".npz")
    if source == data and config.model.name != "classifier":
      names.append(path.stem)
  if not names:
    raise UserError(f"no config trains on {data!r}; configs are named MODEL_DATA")
  for name in only:
    if name not in names:
      raise UserError(
        f"--only={name}: no config of {data} has that name{nearest(name, names)}; "
        f"there are {', '.join(names)}"
      )
  return [name for name in names if name in only or not only]


def seconds(text: str) -> float:
  """A duration in seconds: "90s", "5m", "1h". Raises UserError for anything else."""
  found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
  if not found:
    raise UserError(f"--budget={text}: write a number and s, m or h, like 5m")
  return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def shorten(config, budget: float):
  """Scales the steps of a config to `budget` seconds, by the speed of four dispatches."""
  steps = config.train.steps
  K = config.train.steps_per_dispatch
  if steps <= 4 * K or config.stages:
    return
  trial = config.copy_and_resolve_references()
  trial.train.update(steps=4 * K, log_every=K, save_every=4 * K, sample_every=0, fid_every=0)
  with tempfile.TemporaryDirectory() as folder, Log(folder, 4 * K) as log:
    dataset = pipeline.load_data(trial)
    run = pipeline.fit(trial.to_dict(), Path(folder), dataset, {}, log)
    if run.step < 4 * K:
      raise KeyboardInterrupt
    rates = sorted(row["steps_per_second"] for row in read_rows(Path(folder) / "metrics.jsonl"))
  median = rates[len(rates) // 2]
  factor = min(1.0, budget * median / steps)
  if factor < 1:
    for key in resolve.MAY_CHANGE:
      every = config.train[key]
      config.train[key] = max(K, int(every * factor) // K * K) if every else 0


def run_all(names, folder: Path, budget: float | None, samples: int) -> tuple[list, dict, list]:
  """(run folders, {config that failed: why}, notes on shortened configs).

  Returns early when interrupted.
  """
  runs, failures, notes = [], {}, []
  for i, name in enumerate(names):
    print(f"[{i + 1} of {len(names)}] {name}", flush=True)
    try:
      config = resolve.resolve(f"configs/{name}.py")
      config.evaluate.samples = samples
      steps = config.train.steps
      saved = read_json(folder / name / "config.json")
      if budget and saved:  # A run that is resumed keeps its number of steps.
        config.train.update(saved["train"])
      elif budget:
        shorten(config, budget)
      if config.train.steps < steps:
        notes.append(
          f"{name}: {config.train.steps:,} of its {steps:,} steps, to train for {budget:g} s"
        )
      if pipeline.train_run(config.to_dict(), folder / name) is None:
        break
      runs.append(folder / name)
    except UserError as e:
      failures[name] = str(e)
      print(f"error: {name}: {e}", file=sys.stderr)
    except Exception as e:  # Whatever happens in one model, the others are trained.
      failures[name] = f"{type(e).__name__}: {(str(e).splitlines() or [''])[0]}"
      traceback.print_exc()
  return runs, failures, notes


def main(argv):
  """Runs the zoo; errors that the user can fix are reported in one line."""
  logging.set_verbosity(logging.WARNING)
  signal.signal(signal.SIGTERM, signal.default_int_handler)
  jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
  folder = Path(FLAGS.workdir or f"runs/zoo_{FLAGS.data}")
  begun = time.perf_counter()
  try:
    names = fitting(FLAGS.data, FLAGS.only)
    budget = seconds(FLAGS.budget) if FLAGS.budget else None
    runs, failures, notes = run_all(names, folder, budget, FLAGS.samples)
    command = "python -m experiments.zoo " + shlex.join(sys.argv[1:])
    write_comparison(folder, runs, failures, notes, command)
  except UserError as e:
    sys.exit(f"error: {e}")
  except KeyboardInterrupt:
    print("stopped; the same command resumes", file=sys.stderr)
    return
  took = time.perf_counter() - begun
  print(f"{len(runs)} of {len(names)} models in {took:.0f} s: {folder / 'report.html'}")
  sys.exit(1 if failures else 0)


if __name__ == "__main__":
  app.run(main)
