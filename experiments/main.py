"""Trains a model, then evaluates, samples and reports:

  python -m experiments.main --config=configs/vae_digits.py [--config.model.latent=8 ...]
  [--workdir=runs/mine]

The same command again resumes. `--config=configs/vae_digits.py:smoke` is the same in seconds.
`--mode=evaluate`, `sample` or `report` does only that, for a run that is there: `--mode=evaluate
--workdir=runs/mine`.
"""

import os

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import inspect
import json
from pathlib import Path
import shlex
import signal
import sys

from absl import app, flags, logging
import jax
from ml_collections import ConfigDict

from experiments import resolve as configs
from experiments.hooks import HOOKS, given_rows, hosts
from genjax_zoo import data as datasets, evaluate
from genjax_zoo.build import build
from genjax_zoo.core import UserError
from genjax_zoo.data.loader import test_loader, train_loader
from genjax_zoo.figures import draw, pictures
from genjax_zoo.log import Log, write_json
from genjax_zoo.loop import train
from genjax_zoo.metrics import quality
from genjax_zoo.metrics.features import choose
from genjax_zoo.metrics.kernel import FEWEST
from genjax_zoo.report import run_page as report
from genjax_zoo.run import Run, describe, load, read_description, values, write_description
from genjax_zoo.sample import sample_options
from genjax_zoo.sharding import join_hosts, make_mesh
from genjax_zoo.validate import best

flags.DEFINE_string(
  "config", None, "A config, configs/vae_digits.py; with :smoke behind it, a run of seconds."
)
flags.DEFINE_string("workdir", None, "The run folder; runs/<config> by default.")
flags.DEFINE_enum("mode", "train", ["train", "evaluate", "sample", "report"], "What to do.")
flags.DEFINE_string(
  "coordinator", "", "host:port of process 0, where neither SLURM nor a TPU pod tells."
)
flags.DEFINE_integer("process", -1, "Which process this is, with --coordinator.")
flags.DEFINE_integer("processes", 0, "How many there are, with --coordinator.")
flags.DEFINE_bool(
  "distributed", False, "Join the other hosts as JAX finds them, on a cluster it knows."
)
FLAGS = flags.FLAGS


def train_run(config: dict, folder: Path) -> Run | None:
  """Trains what is missing of a resolved config, earlier stages first, and reports; None when asked
  to stop.
  """
  if (folder / "config.json").exists():
    saved = read_description(folder)[0]
    if other := configs.differences(saved, config):
      raise UserError(
        f"{folder} is a run of another config ({'; '.join(other[:3])}); choose another --workdir: earlier stages are "
        "looked for beside it"
      )
    if finished(folder, saved, config):
      if jax.process_index() == 0:
        print(f"{folder} is finished, at step {config['train']['steps']}: {folder / 'report.html'}")
      return load(folder)
  stages = {}
  for name, stage in config["stages"].items():
    if (trained := train_run(stage, folder.parent / stage["name"])) is None:
      return None
    stages[name] = trained
  dataset = load_data(config)
  with Log(folder, config["train"]["steps"]) as log:
    run = fit(config, folder, dataset, stages, log)
    if run.step < config["train"]["steps"]:
      log.say(f"stopped and saved at step {run.step}; the same command goes on: {command()}")
      return None
    log.pause()
    evaluate_run(run, dataset, log)
    report_run(run, dataset, log)
  return run


def finished(folder, saved, config) -> bool:
  """Whether a run folder holds a report of its last step, evaluated and sampled as asked now."""
  evaluation = evaluate.read(folder)
  same = all(json.dumps(saved[k]) == json.dumps(config[k]) for k in ("evaluate", "sample"))
  done = evaluation is not None and evaluation["step"] >= config["train"]["steps"]
  return same and done and (folder / "report.html").exists()


def fit(config, folder, dataset, stages: dict[str, Run], log) -> Run:
  """Trains a model, or resumes, until its last step or until asked to stop."""
  learner = build(config, dataset.fields, {name: stage.model for name, stage in stages.items()})
  frozen = ({name: values(stage) for name, stage in stages.items()},) if stages else ()
  options = {k: v for k, v in config["train"].items() if k not in configs.TRAIN}
  feed = dict(
    batch=config["data"]["batch"],
    steps_per_dispatch=options["steps_per_dispatch"],
    seed=options["seed"],
  )
  loader = train_loader(dataset, **feed, **hosts())
  check_options(config, learner.model, dataset)
  if jax.process_index() == 0:
    seen = {name: read_description(stage.folder)[1] for name, stage in stages.items()}
    write_description(folder, config, describe(dataset.fields, loader.batch, seen))
  log.say(header(config, dataset, loader))
  mesh, hooks = make_mesh(), {}
  for name, hook in HOOKS.items():
    if (every := config["train"][name]) and (learner.model.sample or name == "validate_every"):
      hooks[name] = every, hook(config, dataset, learner.model, mesh, folder, log)
  ts = train(learner, loader, log, workdir=folder, frozen=frozen, hooks=hooks, **options)
  if (
    jax.process_index() == 0
    and not (folder / "training.json").exists()
    and int(ts.step) >= options["steps"]
  ):
    cost = evaluate.training_cost(folder, loader.batch, [stage.folder for stage in stages.values()])
    write_json(folder / "training.json", cost)
  ts = best(folder, ts)
  return Run(
    learner.model, ts.weights, ts.state, config, dataset.fields, int(ts.step), folder, mesh
  )


def check_options(config, model, dataset):
  """Raises UserError, before training, for options that evaluation or sampling would not take."""
  options, asked = config["evaluate"], config["evaluate"]["log_prob"]
  for name, given, f in (
    ("evaluate.log_prob", asked, model.log_prob),
    ("sample", sample_options(config), model.sample),
  ):
    parameters = inspect.signature(f).parameters if f else {}
    if f and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
      configs.check(name, given, parameters.keys() - CALLED_WITH)
  # Raises it for values, too, where the model knows which can't be.
  model.calls(**sample_options(config))
  if (estimator := asked.get("estimator")) not in (None, *model.likelihood):
    raise UserError(
      f"evaluate.log_prob.estimator={estimator!r}: the model has {', '.join(model.likelihood)}"
    )
  if options["split"] not in dataset.splits:
    raise UserError(
      f"evaluate.split={options['split']!r}: data {dataset.name} has {', '.join(dataset.splits)}"
    )
  choose(options["features"], dataset.name, dataset.fields)


CALLED_WITH = {"params", "state", "batch", "key", "n", "given"}  # Beside the config's options.


def load_data(config):
  """The data set that a config names."""
  return datasets.load(**{k: v for k, v in config["data"].items() if k != "batch"})


def header(config, dataset, loader) -> str:
  """What a run says before its first step."""
  steps, K = config["train"]["steps"], config["train"]["steps_per_dispatch"]
  entries = ", ".join(f"{k} {list(f.shape)}" for k, f in dataset.fields.items())
  return (
    f"{config['name']}: model {config['model']['name']}; data {dataset.name}, "
    f"{datasets.count(dataset.splits['train']):,} training examples ({entries}); {steps:,} steps of "
    f"{loader.batch}, {K} a dispatch; {evaluate.device_name()}, JAX {jax.__version__}"
  )


def evaluate_run(run: Run, dataset, log):
  """Measures a run on held-out data and writes evaluation.json."""
  config, options, model = run.config, run.config["evaluate"], run.model
  feed = dict(batch=options["batch"], examples=options["examples"] or None)
  loader = test_loader(dataset, options["split"], **feed, **hosts())
  weights = run.weights, run.state
  measure = {"seed": config["train"]["seed"], "progress": log.track} | {
    k: options[k] for k in ("repeats", "log_prob")
  }
  with log.clock("evaluating"):
    found = evaluate.evaluate(model, *weights, loader, run.mesh, **measure)
  if "likelihood" in found:
    found["likelihood"] |= {
      "bits_per_dim": evaluate.bits_per_dim(found["likelihood"]["nats"], dataset.fields),
      "binarization": dataset.binarization,
    }
  n, drawing = config["sample"]["n"], sample_options(config)
  if model.sample and options["samples"]:
    see = choose(options["features"], dataset.name, dataset.fields)
    if see and (held_out := datasets.count(dataset.splits[options["split"]])) < FEWEST:
      log.say(
        f"quality is left out: it compares samples with {FEWEST} test examples or more, not {held_out}"
      )
    elif see:
      with log.clock(f"comparing {options['samples']:,} samples"):
        drawn = quality.draw(
          run, dataset, options["samples"], split=options["split"], progress=log.track, **drawing
        )
        found["quality"] = quality.quality(
          drawn, dataset, see, options["split"], progress=log.track
        )
    else:
      log.say(
        "no feature net knows these data: quality is left out; --config.evaluate.features=inception:PATH gives one"
      )
  if model.sample:
    given = given_rows(model, dataset, n)
    found["sampling"] = evaluate.time_sampling(
      model, *weights, run.mesh, n=n, given=given, **drawing
    )
  evaluation = {
    "model": config["model"]["name"],
    "config": config["name"],
    "data": dataset.name,
    "split": options["split"],
    "step": run.step,
    "parameters": evaluate.parameters(run.weights),
    "seed": config["train"]["seed"],
    **found,
    "validation": evaluate.read(run.folder, "validation.json"),
    "training": evaluate.read(run.folder, "training.json"),
  }
  if jax.process_index() == 0:
    write_json(run.folder / "evaluation.json", evaluation)
    write_json(run.folder / "config.json", config)  # Evaluated as it says.
  log.say(evaluate.summary(evaluation))


def sample_run(run: Run, dataset, log):
  """Draws config.sample.n samples, as a picture and as arrays."""
  n, seed = run.config["sample"]["n"], run.config["sample"]["seed"]
  batch = run.sample(n, seed, given_rows(run.model, dataset, n), **sample_options(run.config))
  if jax.process_index() == 0:
    pictures.save_arrays(run.folder / "samples" / "samples.npz", batch)
    if (picture := pictures.show(batch, run.fields)) is not None:
      pictures.save(run.folder / "samples" / "samples.png", picture)
  log.say(f"{n} samples: {run.folder / 'samples' / 'samples.npz'}, and a picture of them")


def report_run(run: Run, dataset, log):
  """Draws the figures and writes report.html."""
  with log.clock("drawing"):
    draw(run, dataset, run.folder / "figures", log.say)
  if jax.process_index() == 0:
    report.write_report(run.folder)
  log.say(f"report: {run.folder / 'report.html'}")


def command() -> str:
  """The command line of this process."""
  return "python -m experiments.main " + shlex.join(sys.argv[1:])


def perform(mode: str, path: str | None, workdir: str | None, assignments=()):
  """What a command does: `mode` for the config at `path`, overridden by `assignments`, or for a run
  that is there.
  """
  config = configs.resolve(path) if path else None
  if config is None and not workdir:
    raise UserError("what shall be trained? --config=configs/vae_digits.py, say")
  folder = Path(workdir or f"runs/{config.name}")
  saved = None if mode == "train" and config else read_description(folder)[0]
  config = config or ConfigDict(saved)
  for assignment in assignments:
    configs.override(config, assignment)
  config = config.to_dict()
  if mode == "train":
    train_run(config, folder)
    return
  if other := configs.differences(saved, config):
    raise UserError(f"{folder} was trained with {other[0]}; --mode={mode} takes it as it is")
  act = {"evaluate": evaluate_run, "sample": sample_run, "report": report_run}[mode]
  with Log(folder) as log:
    act(load(folder)._replace(config=config), load_data(config), log)
    if mode != "report" and jax.process_index() == 0:
      report.write_report(folder)


def main(argv):
  """`perform`, with what the user can mend told in one line."""

  def stop(*_):
    raise KeyboardInterrupt

  signal.signal(signal.SIGTERM, stop)
  logging.set_verbosity(logging.WARNING)
  try:
    if argv[1:]:
      raise UserError(
        f"{argv[1]!r} is not a flag; write --config=... and --config.section.key=value"
      )
    join_hosts(FLAGS.coordinator, FLAGS.process, FLAGS.processes, FLAGS.distributed)
    jax.config.update("jax_compilation_cache_dir", str(datasets.cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    perform(FLAGS.mode, FLAGS.config, FLAGS.workdir, ASSIGNMENTS)
  except UserError as e:
    sys.exit(f"error: {e}")
  except OSError as e:
    sys.exit(f"error: {e.filename or FLAGS.workdir or 'runs'}: {e.strerror or e}")
  except KeyboardInterrupt:
    print(
      f"\nstopped; the same command goes on from the last checkpoint: {command()}", file=sys.stderr
    )


ASSIGNMENTS = [a.removeprefix("--config.") for a in sys.argv[1:] if a.startswith("--config.")]

if __name__ == "__main__":
  app.run(main, [a for a in sys.argv if not a.startswith("--config.")])
