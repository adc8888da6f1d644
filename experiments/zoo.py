"""Trains every model for one data set, evaluates all of them alike and writes one page:

  python -m experiments.zoo --data=digits [--only=vae_digits,gan_digits] [--budget=1m]
  [--workdir=runs/zoo]
  python -m experiments.zoo --data=folder:~/photos --size=32 --budget=2m
  python -m experiments.zoo --data=coloured_shapes --suite=text_to_image --budget=5m

Each config of experiments/configs whose data are `--data` gets a run folder in the workdir. For
data of your own these are the configs of the built-in set of the same kind (ALIKE; digits for
folder:, npz: and tfds:) whose models fit. `--size` is their `data.size`. The same command again
resumes. A config that fails is reported and the others go on. `--budget` limits the training time
of a model with all its stages: it shortens configs that would take longer. Writes results.json and
report.html.

`--suite` are the configs that answer one question, `--only` some of them, see suites.py; a budget
lengthens them too, so that all train equally long. Those of text_to_image never see some
combinations of shape, colour and background, and are asked for them too; where samples can be
guided, they are at several scales.

Without a suite all are sampled in few steps and many, with each of the samplers that their config's
evaluate.sweep names: the page shows what quality how many seconds buy.
"""

from pathlib import Path
import re
import shlex
import signal
import sys
import tempfile
import time
import traceback

from experiments.start import importing, on_large_pages

if __name__ == "__main__":
  on_large_pages()

with importing():
  from absl import app, flags, logging
  import jax
  import numpy as np

  from experiments import pipeline, resolve
  from experiments.frontier import draw_frontier, sweeps
  from experiments.suites import SUITES, add_guidance, draw_asked, draw_guidance
  from genjax_zoo.build import constructor
  from genjax_zoo.core import UserError, nearest, similar
  from genjax_zoo.data import cache_folder, count
  from genjax_zoo.figures.kinds import save_shown
  from genjax_zoo.interrupt import SIGNALS, stop
  from genjax_zoo.log import Log, read_json, read_rows
  from genjax_zoo.metrics.quality import examples
  from genjax_zoo.report.zoo_page import REAL, write_comparison
  from genjax_zoo.run import describe, learner_of, shapes
  from genjax_zoo.sharding import split_over_cores

flags.DEFINE_string("data", "digits", "The data set: digits, mnist, fashion_mnist, ...")
flags.DEFINE_integer("size", 0, "The size that images of your own are scaled to.")
flags.DEFINE_list("only", [], "Names of experiments/configs; all of the data set by default.")
flags.DEFINE_string("suite", "", "The configs of one question: text_to_image.")
flags.DEFINE_string("budget", "", "The longest training time of a model: 90s, 5m, 1h.")
flags.DEFINE_integer("samples", 2000, "Number of samples to measure the quality of each model.")
flags.DEFINE_string("workdir", None, "The folder of the runs; runs/zoo_<data> by default.")
FLAGS = flags.FLAGS

SWEPT = 500  # Samples by each of the steps and samplers of a model.
# The set whose configs are those of a user's files, by the prefix of these; others are as digits.
ALIKE = {"video": "moving_shapes", "meshes": "meshes", "points": "points"}


def fitting(data: str, only=()) -> list[str]:
  """The names of the configs that train a generative model on `data`, in alphabetical order.

  Raises UserError when there are none, or when one of `only` is not among them.
  """
  names = []
  for path in sorted((resolve.HERE / "configs").glob("[a-z]*.py")):
    config = resolve.resolve(str(path))
    source = re.sub("^(tfds|npz|folder):(.*/)?", "", config.data.name).removesuffix(".npz")
    if source == data and ".discriminative." not in constructor(config.model.name).__module__:
      names.append(path.stem)
  if not names:
    raise UserError(f"no config trains on {data!r}; configs are named MODEL_DATA")
  for name in only:
    if name not in names:
      raise UserError(
        f"--only={name}: no config of {data} has that name{nearest(name, names)}; "
        f"there are {similar(name, names)}"
      )
  return [name for name in names if name in only or not only]


def plan(data: str, size: int, only=(), suite: str = "") -> tuple[dict, list[str]]:
  """({name: config}, notes on those left out) of the models for `data`, see the top of this file.

  Raises UserError as `fitting`, when the data can't be loaded or no model fits them, and for an
  unknown suite.
  """
  if suite:
    only = within(suite, only)
  own = ":" in data
  if size and not own:
    raise UserError(f"--size={size} is for data of your own, and {data} has its size")
  names = fitting(ALIKE.get(data.partition(":")[0], "digits") if own else data, only)
  configs = {name: resolve.resolve(f"configs/{name}.py") for name in names}
  if suite:
    for config in configs.values():
      set_data(config, **SUITES[suite].data)
  if not own:
    return configs, []
  notes = []
  fields = None
  for name, config in list(configs.items()):
    set_data(config, name=data, **({"size": size} if size else {}))
    fields = fields or pipeline.load_data(config.to_dict()).fields
    if why := misfit(config.to_dict(), fields):
      notes.append(f"{name} is left out: {why}")
      del configs[name]
  if not configs:
    raise UserError(f"no config fits {data!r}: {notes[0]}")
  return configs, notes


def within(suite: str, only=()) -> list[str]:
  """The configs of a suite, or `only` some. Raises UserError for unknown ones of both."""
  if suite not in SUITES:
    raise UserError(f"--suite={suite}: there are {', '.join(SUITES)}")
  names = SUITES[suite].configs
  for name in only:
    if name not in names:
      raise UserError(f"--only={name}: {suite} compares {', '.join(names)}")
  return list(only or names)


def set_data(config, **options):
  """Changes options of the data of a config, and of its stages."""
  for key, value in options.items():
    resolve.override(config, f"data.{key}={value}")


def misfit(config: dict, fields) -> str:
  """Why a config's model can't be built for data of these fields; "" if it can."""
  try:
    data = description(config, fields)
    learner, frozen = learner_of(config, data)
    shapes(learner, data, *frozen)
  except UserError as e:
    return str(e)
  except (KeyError, TypeError, ValueError) as e:  # Shapes that a network can't have.
    return f"{type(e).__name__}: {(str(e).splitlines() or [''])[0]}"
  return ""


def description(config: dict, fields) -> dict:
  """What `learner_of` needs to know of the data of a config and of its stages."""
  stages = {name: description(stage, fields) for name, stage in config["stages"].items()}
  return describe(fields, config["data"]["batch"] or 1, stages)


def seconds(text: str) -> float:
  """A duration in seconds: "90s", "5m", "1h". Raises UserError for anything else."""
  found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
  if not found:
    raise UserError(f"--budget={text}: write a number and s, m or h, like 5m")
  return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def keep_to(budget: float, config, folder: Path, notes: list, equal: bool = False):
  """Shortens a config, after training its stages, so that all of them take `budget` seconds.

  A stage may take an equal share of it, and what it leaves is the last one's. `equal` lengthens
  what would take less. A run that is resumed keeps its number of steps. Adds to `notes` what was
  changed.
  """
  share = budget / (len(config.stages) + (config.train.steps > 0))
  stages = {}
  for name, stage in config.stages.items():
    keep_to(share, stage, folder, notes, equal)
    stages[name] = pipeline.train_run(stage.to_dict(), folder / stage.name, stage=True)
  spent = [read_json(run.folder / "training.json")["seconds"] for run in stages.values()]
  steps = config.train.steps
  if saved := read_json(folder / config.name / "config.json"):
    config.train.update(saved["train"])
  else:
    scale_steps(config, budget - sum(spent), stages, equal)
  if config.train.steps != steps:
    scaled = f"{config.train.steps:,} steps for its {steps:,}"
    note = f"{config.name}: {scaled}, to train for {budget:g} s"
    print(note, flush=True)
    if note not in notes:  # A stage may be one of several models.
      notes.append(note)


def scale_steps(config, budget: float, stages, equal: bool):
  """Scales the steps of a config to `budget` seconds, by the speed of four dispatches.

  Only down, unless all are to take `equal` time.
  """
  steps = config.train.steps
  K = config.train.steps_per_dispatch
  if steps <= 4 * K:
    return
  print(f"timing {4 * K} steps, to keep to the budget", flush=True)
  trial = config.copy_and_resolve_references()
  trial.train.update(steps=4 * K, log_every=K, save_every=4 * K, sample_every=0, fid_every=0)
  with tempfile.TemporaryDirectory() as folder, Log(folder, 4 * K) as log:
    dataset = pipeline.load_data(trial)
    pipeline.fit(trial.to_dict(), Path(folder), dataset, stages, log)
    rates = sorted(row["steps_per_second"] for row in read_rows(Path(folder) / "metrics.jsonl"))
  median = rates[len(rates) // 2]
  factor = budget * median / steps
  if factor < 1 or equal:
    for key in resolve.MAY_CHANGE:
      every = config.train[key]
      config.train[key] = max(K, int(every * factor) // K * K) if every else 0


def run_all(
  configs, folder: Path, budget: float | None, samples: int, scales=()
) -> tuple[list, dict, list]:
  """(run folders, {config that failed: why}, notes on changed configs) of {name: config}.

  With `scales`, those of a suite, all train for `budget`, and models that can be guided are
  measured at these, and not at numbers of steps.
  """
  runs, failures, notes = [], {}, []
  for i, (name, config) in enumerate(configs.items()):
    print(f"[{i + 1} of {len(configs)}] {name}", flush=True)
    try:
      config.evaluate.samples = samples
      config.evaluate.sweep.samples = 0 if scales else min(samples, SWEPT)
      if budget:
        keep_to(budget, config, folder, notes, equal=bool(scales))
      pipeline.train_run(config.to_dict(), folder / name)
      if scales:
        add_guidance(folder / name, scales)
      runs.append(folder / name)
    except UserError as e:
      failures[name] = str(e)
      print(f"error: {name}: {e}", file=sys.stderr)
    except Exception as e:  # Whatever happens in one model, the others are trained.
      failures[name] = f"{type(e).__name__}: {(str(e).splitlines() or [''])[0]}"
      traceback.print_exc()
  return runs, failures, notes


def draw_real(config, folder: Path):
  """Writes real.png, test examples of a config's data, for the page of the comparison."""
  dataset = pipeline.load_data(config)
  rows = np.arange(min(config.sample.n, count(dataset.splits["test"])))
  batch = examples(dataset, "test", rows)
  # Without captions; a mesh is drawn of several entries.
  real = {name: x for name, x in batch.items() if not dataset.fields[name].names}
  save_shown(folder / REAL, real, dataset.fields)


def draw_suite(runs, folder: Path) -> dict[Path, str]:
  """{picture: caption} of what a suite's runs make of the same captions, and by guidance."""
  asked, guidance = folder / "asked.png", folder / "guidance.png"
  draw_asked(runs, asked)
  evaluations = {run.name: read_json(run / "evaluation.json") for run in runs}
  draw_guidance(evaluations, guidance)
  about = "Agreement of all words, recall and FID by the scale of classifier-free guidance."
  figures = {asked: "Samples given the same captions.", guidance: about}
  return {path: caption for path, caption in figures.items() if path.exists()}


def draw_steps(runs, folder: Path) -> dict[Path, str]:
  """{picture: caption} of the quality of the runs' samples against their seconds, if measured."""
  path = folder / "frontier.png"
  caption = draw_frontier(sweeps([read_json(run / "evaluation.json") for run in runs]), path)
  return {path: caption} if caption else {}


def main(argv):
  """Runs the zoo; errors that the user can fix are reported in one line."""
  logging.set_verbosity(logging.WARNING)
  for s in SIGNALS:
    signal.signal(s, stop)
  jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
  split_over_cores()
  source = re.sub(r"\W+", "_", FLAGS.data).strip("_")
  folder = Path(FLAGS.workdir or f"runs/zoo_{source}")
  begun = time.perf_counter()
  try:
    budget = seconds(FLAGS.budget) if FLAGS.budget else None
    configs, left_out = plan(FLAGS.data, FLAGS.size, FLAGS.only, FLAGS.suite)
    scales = SUITES[FLAGS.suite].scales if FLAGS.suite else ()
    print(*left_out, sep="\n", end="\n" * bool(left_out), flush=True)
    runs, failures, notes = run_all(configs, folder, budget, FLAGS.samples, scales)
    notes += left_out
    draw_real(next(iter(configs.values())), folder)
    command = "python -m experiments.zoo " + shlex.join(sys.argv[1:])
    figures = draw_suite(runs, folder) if FLAGS.suite and runs else {}
    figures |= draw_steps(runs, folder)
    write_comparison(folder, runs, failures, notes, command, figures)
  except UserError as e:
    sys.exit(f"error: {e}")
  except KeyboardInterrupt as e:
    print("stopped; the same command resumes", file=sys.stderr)
    sys.exit(128 + getattr(e, "signum", signal.SIGINT))
  took = time.perf_counter() - begun
  print(f"{len(runs)} of {len(configs)} models in {took:.0f} s: {folder / 'report.html'}")
  sys.exit(1 if failures else 0)


if __name__ == "__main__":
  app.run(main)
