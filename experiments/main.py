"""Trains a model, then evaluates, samples and reports:

  python -m experiments.main --config=configs/vae_digits.py [--config.model.latent=8 ...] [--workdir=runs/mine]

The same command again resumes. `--config=configs/vae_digits.py:smoke` is the same in seconds. `--mode=evaluate`,
`sample` or `report` does only that, for a run that is there: `--mode=evaluate --workdir=runs/mine`.
"""

import os

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

from pathlib import Path
import shlex
import signal
import sys

from absl import app, flags, logging
import jax
from ml_collections import ConfigDict
import numpy as np

from experiments import config as configs
from genjax_zoo import data as datasets, evaluate, pictures, quality, report
from genjax_zoo.build import build, dummy
from genjax_zoo.core import UserError
from genjax_zoo.data.loader import test_loader, train_loader
from genjax_zoo.figures import draw
from genjax_zoo.log import Log
from genjax_zoo.loop import train
from genjax_zoo.metrics.features import choose
from genjax_zoo.run import Run, describe, load, read_description, values, write_description
from genjax_zoo.sample import sampler
from genjax_zoo.sharding import join_hosts, make_mesh

flags.DEFINE_string("config", None, "A config, configs/vae_digits.py; with :smoke behind it, a run of seconds.")
flags.DEFINE_string("workdir", None, "The run folder; runs/<config> by default.")
flags.DEFINE_enum("mode", "train", ["train", "evaluate", "sample", "report"], "What to do.")
flags.DEFINE_string("coordinator", "", "host:port of process 0, where neither SLURM nor a TPU pod tells.")
flags.DEFINE_integer("process", -1, "Which process this is, with --coordinator.")
flags.DEFINE_integer("processes", 0, "How many there are, with --coordinator.")
FLAGS = flags.FLAGS


def train_run(config: dict, folder: Path) -> Run | None:
  """Trains what is missing of a resolved config, earlier stages first, and reports; None when asked to stop."""
  if (folder / "config.json").exists():
    if other := configs.differences(read_description(folder)[0], config):
      raise UserError(f"{folder} is a run of another config ({'; '.join(other[:3])}); choose another --workdir")
    if finished(folder, config["train"]["steps"]):
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


def fit(config, folder, dataset, stages: dict[str, Run], log) -> Run:
  """Trains a model, or resumes, until its last step or until asked to stop."""
  learner = build(config, dataset.fields, {name: stage.model for name, stage in stages.items()})
  frozen = ({name: values(stage) for name, stage in stages.items()},) if stages else ()
  options = {k: v for k, v in config["train"].items() if k not in configs.TRAIN}
  feed = dict(batch=config["data"]["batch"], steps_per_dispatch=options["steps_per_dispatch"], seed=options["seed"])
  loader = train_loader(dataset, **feed, **hosts())
  if jax.process_index() == 0:
    seen = {name: read_description(stage.folder)[1] for name, stage in stages.items()}
    write_description(folder, config, describe(dataset.fields, seen))
  log.say(header(config, dataset, loader, learner, frozen))
  mesh, every = make_mesh(), config["train"]["sample_every"]
  hooks = []
  if every and learner.model.sample:
    hooks = [(every, sample_hook(config, dataset, learner.model, mesh, folder, log))]
  ts = train(learner, loader, log, workdir=folder, frozen=frozen, hooks=hooks, **options)
  return Run(learner.model, ts.weights, ts.state, config, dataset.fields, int(ts.step), folder, mesh)


def hosts() -> dict:
  """What a loader must know of the other processes."""
  return {"process_index": jax.process_index(), "process_count": jax.process_count(), "devices": jax.device_count()}


def finished(folder, steps) -> bool:
  """Whether a run folder holds a report of its last step."""
  evaluation = evaluate.read(folder)
  return evaluation is not None and evaluation["step"] >= steps and (folder / "report.html").exists()


def load_data(config):
  """The data set that a config names."""
  return datasets.load(**{k: v for k, v in config["data"].items() if k != "batch"})


def header(config, dataset, loader, learner, frozen) -> str:
  """What a run says before its first step."""
  abstract = jax.eval_shape(learner.init, jax.random.key(0), dummy(dataset.fields), *frozen)
  steps, K = config["train"]["steps"], config["train"]["steps_per_dispatch"]
  entries = ", ".join(f"{k} {list(f.shape)}" for k, f in dataset.fields.items())
  return (
    f"{config['name']}: model {config['model']['name']}, {evaluate.parameters(abstract.params):,} parameters; data "
    f"{dataset.name}, {datasets.count(dataset.splits['train']):,} training examples ({entries}); {steps:,} steps of "
    f"{loader.batch}, {K} a dispatch; {evaluate.device_name()}, JAX {jax.__version__}"
  )


def given_rows(model, dataset, n) -> dict:
  """What sampling is given of the test set, n rows."""
  rows = quality.examples(dataset, "test", np.arange(n) % datasets.count(dataset.splits["test"])) if model.given else {}
  return {k: rows[k] for k in model.given}


def sample_hook(config, dataset, model, mesh, folder, log):
  """`f(step, ts)` that draws from the same noise each time and writes samples/step_0000500.png."""
  options = dict(config["sample"])
  n, key = options.pop("n"), jax.random.key(options.pop("seed"))
  draw = sampler(model, mesh, n, **options)

  def hook(step, ts):
    picture = pictures.show(draw(ts.weights, ts.state, key, given_rows(model, dataset, n)), dataset.fields)
    if jax.process_index() == 0 and picture is not None:
      pictures.save(folder / "samples" / f"step_{step:07d}.png", picture)
      log.image(step, "samples", picture)

  return hook


def evaluate_run(run: Run, dataset, log):
  """Measures a run on held-out data and writes evaluation.json."""
  config, options = run.config, run.config["evaluate"]
  feed = dict(batch=options["batch"], examples=options["examples"] or None)
  loader = test_loader(dataset, options["split"], **feed, **hosts())
  with log.clock("evaluating"):
    found = evaluate.evaluate(
      run.model, run.weights, run.state, loader, run.mesh, seed=config["train"]["seed"], log_prob=options["log_prob"]
    )
  field = next(iter(dataset.fields.values()))
  if "likelihood" in found:
    found["likelihood"] |= {
      "bits_per_dim": evaluate.bits_per_dim(found["likelihood"]["nats"], field),
      "binarization": dataset.binarization,
    }
  sampling = {k: v for k, v in config["sample"].items() if k not in ("n", "seed")}
  n = config["sample"]["n"]
  see = choose(options["features"], dataset.name, dataset.fields) if options["samples"] and run.model.sample else None
  if see:
    with log.clock(f"comparing {options['samples']:,} samples"):
      drawn = quality.draw(run, dataset, options["samples"], split=options["split"], **sampling)
      found["quality"] = quality.quality(drawn, dataset, see, options["split"])
  evaluation = {
    "model": config["model"]["name"], "config": config["name"], "data": dataset.name, "split": options["split"],
    "step": run.step, "parameters": evaluate.parameters(run.weights), "seed": config["train"]["seed"],
    **found,
    "sampling": evaluate.time_sampling(
      run.model, run.weights, run.state, run.mesh, n=n, given=given_rows(run.model, dataset, n), **sampling
    ) if run.model.sample else None,
    "training": evaluate.training_cost(run.folder, config["data"]["batch"]),
  }  # fmt: skip
  if jax.process_index() == 0:
    evaluate.write(run.folder, evaluation)
  log.say(evaluate.summary(evaluation))


def sample_run(run: Run, dataset, log):
  """Draws config.sample.n samples, as a picture and as arrays."""
  options = dict(run.config["sample"])
  n = options.pop("n")
  batch = run.sample(n, given=given_rows(run.model, dataset, n), **options)
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
  """What a command does: `mode` for the config at `path`, overridden by `assignments`, or for a run that is there."""
  config = configs.resolve(path) if path else None
  if config is None and not workdir:
    raise UserError("what shall be trained? --config=configs/vae_digits.py, say")
  folder = Path(workdir or f"runs/{config.name}")
  saved = None if mode == "train" and config else read_description(folder)[0]
  config = ConfigDict(saved) if saved else config
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
    if mode != "report":
      report.write_report(folder)


def main(argv):
  """`perform`, with what the user can mend told in one line."""

  def stop(*_):
    raise KeyboardInterrupt

  signal.signal(signal.SIGTERM, stop)
  logging.set_verbosity(logging.WARNING)
  try:
    if argv[1:]:
      raise UserError(f"{argv[1]!r} is not a flag; write --config=... and --config.section.key=value")
    join_hosts(FLAGS.coordinator, FLAGS.process, FLAGS.processes)
    jax.config.update("jax_compilation_cache_dir", str(datasets.cache_folder() / "xla"))
    perform(FLAGS.mode, FLAGS.config, FLAGS.workdir, ASSIGNMENTS)
  except UserError as e:
    sys.exit(f"error: {e}")
  except OSError as e:
    sys.exit(f"error: {e.filename or FLAGS.workdir or 'runs'}: {e.strerror or e}")
  except KeyboardInterrupt:
    print(f"\nstopped; the same command goes on from the last checkpoint: {command()}", file=sys.stderr)


ASSIGNMENTS = [a.removeprefix("--config.") for a in sys.argv[1:] if a.startswith("--config.")]

if __name__ == "__main__":
  app.run(main, [a for a in sys.argv if not a.startswith("--config.")])
