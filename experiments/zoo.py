"""Trains every model that fits a data set, measures all alike, and writes one page:

  python -m experiments.zoo --data=digits [--only=vae_digits,gan_digits] [--budget=1m]
  [--workdir=runs/zoo]

Each config of experiments/configs whose data are `--data` gets its run folder under the workdir;
the same command goes on where it was stopped. A config that fails is reported and the others go on.
`--budget` shortens each config whose training would take longer: it scales the steps. Writes
results.json and report.html. `--suite=disentanglement` is the study of
experiments/lessons/disentanglement.py instead.
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

from experiments import main, resolve as configs
from experiments.lessons import disentanglement
from genjax_zoo import data as datasets, evaluate
from genjax_zoo.core import UserError, nearest
from genjax_zoo.log import Log, read_rows
from genjax_zoo.report.zoo_page import write_comparison

flags.DEFINE_string("data", "digits", "Whose configs to train: digits, mnist, fashion_mnist, ...")
flags.DEFINE_list("only", [], "Names of configs, all that fit by default.")
flags.DEFINE_string(
  "budget", "", "Seconds (s), minutes (m) or hours (h) of training a model, at most: 90s, 5m."
)
flags.DEFINE_enum(
  "suite", None, ["disentanglement"], "A study of its own in place of the zoo of a data set."
)
flags.DEFINE_integer("samples", 2000, "Samples a model that quality is measured with.")
FLAGS = flags.FLAGS


def fitting(data: str, only=()) -> list[str]:
  """The names of the configs whose data set is `data`, and whose model samples, cheapest family
  first.

  Raises UserError when there are none, or when one of `only` is not among them.
  """
  names = []
  for path in sorted((configs.HERE / "configs").glob("[a-z]*.py")):
    config = configs.resolve(str(path))
    source = re.sub("^(tfds|npz|folder):(.*/)?", "", config.data.name).removesuffix(".npz")
    if source == data and config.model.name != "classifier":
      names.append(path.stem)
  if not names:
    raise UserError(f"no config trains on {data!r}; configs are named MODEL_DATA")
  for name in only:
    if name not in names:
      raise UserError(
        f"--only={name}: no config of {data} has that name{nearest(name, names)}; there are {', '.join(names)}"
      )
  return [n for n in names if n in only or not only]


def seconds(text: str) -> float:
  """A duration: "90s", "5m", "1h". Raises UserError for another form."""
  found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
  if not found:
    raise UserError(f"--budget={text}: write a number and s, m or h, like 5m")
  return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def shorten(config, budget: float):
  """Scales the steps of a config to `budget` seconds, by the speed of four dispatches."""
  steps, K = config.train.steps, config.train.steps_per_dispatch
  if steps <= 4 * K or config.stages:
    return
  trial = config.copy_and_resolve_references()
  trial.train.update(steps=4 * K, log_every=K, save_every=4 * K, sample_every=0, fid_every=0)
  with tempfile.TemporaryDirectory() as folder, Log(folder, 4 * K) as log:
    if main.fit(trial.to_dict(), Path(folder), main.load_data(trial), {}, log).step < 4 * K:
      raise KeyboardInterrupt
    rates = sorted(row["steps_per_second"] for row in read_rows(Path(folder) / "metrics.jsonl"))
  factor = min(1.0, budget * rates[len(rates) // 2] / steps)
  if factor < 1:
    for key in configs.MAY_CHANGE:
      every = config.train[key]
      config.train[key] = max(K, int(every * factor) // K * K) if every else 0


def run_all(names, folder: Path, budget: float | None, samples: int) -> tuple[list, dict, list]:
  """(run folders, {name: why it failed}, notes) of all configs; one that fails does not stop the
  others.

  Returns early when asked to stop.
  """
  runs, failures, notes = [], {}, []
  for i, name in enumerate(names):
    print(f"[{i + 1} of {len(names)}] {name}", flush=True)
    try:
      config = configs.resolve(f"configs/{name}.py")
      config.evaluate.samples = samples
      steps, saved = config.train.steps, evaluate.read(folder / name, "config.json")
      if budget and saved:  # Goes on with the steps that it was given.
        config.train.update(saved["train"])
      elif budget:
        shorten(config, budget)
      if config.train.steps < steps:
        notes.append(
          f"{name}: {config.train.steps:,} of its {steps:,} steps, to train for {budget:g} s"
        )
      if main.train_run(config.to_dict(), folder / name) is None:
        break
      runs.append(folder / name)
    except UserError as e:
      failures[name] = str(e)
      print(f"error: {name}: {e}", file=sys.stderr)
    except Exception as e:  # One model is not worth the zoo.
      failures[name] = f"{type(e).__name__}: {(str(e).splitlines() or [''])[0]}"
      traceback.print_exc()
  return runs, failures, notes


def command(argv):
  """Runs the zoo; what the user can mend is told in one line."""
  logging.set_verbosity(logging.WARNING)
  signal.signal(signal.SIGTERM, signal.default_int_handler)
  jax.config.update("jax_compilation_cache_dir", str(datasets.cache_folder() / "xla"))
  folder, begun = (
    Path(FLAGS.workdir or f"runs/{FLAGS.suite or f'zoo_{FLAGS.data}'}"),
    time.perf_counter(),
  )
  try:
    if FLAGS.suite:
      disentanglement.study(folder)
      print(f"{time.perf_counter() - begun:.0f} s: {folder / 'report.html'}")
      return
    names = fitting(FLAGS.data, FLAGS.only)
    runs, failures, notes = run_all(
      names, folder, seconds(FLAGS.budget) if FLAGS.budget else None, FLAGS.samples
    )
    write_comparison(
      folder, runs, failures, notes, "python -m experiments.zoo " + shlex.join(sys.argv[1:])
    )
  except UserError as e:
    sys.exit(f"error: {e}")
  except KeyboardInterrupt:
    print("stopped; the same command goes on", file=sys.stderr)
    return
  print(
    f"{len(runs)} of {len(names)} models in {time.perf_counter() - begun:.0f} s: {folder / 'report.html'}"
  )
  sys.exit(1 if failures else 0)


if __name__ == "__main__":
  app.run(command)
