"""What a command does with a config: train a run, evaluate it, sample from it, report on it."""

import inspect
import json
from pathlib import Path
import shlex
import sys

import jax
from ml_collections import ConfigDict

from experiments import resolve
from experiments.hooks import HOOKS, given_rows, hosts
from genjax_zoo import data, evaluate
from genjax_zoo.build import build
from genjax_zoo.core import UserError
from genjax_zoo.data.loader import test_loader, train_loader
from genjax_zoo.data.table import check_density
from genjax_zoo.figures import draw, pictures
from genjax_zoo.log import Log, read_json, write_json
from genjax_zoo.loop import train
from genjax_zoo.metrics import quality
from genjax_zoo.metrics.features import choose
from genjax_zoo.metrics.judged import judged
from genjax_zoo.metrics.kernel import FEWEST
from genjax_zoo.report.run_page import write_report
from genjax_zoo.run import Run, describe, load, read_description, values, write_description
from genjax_zoo.sample import sample_options
from genjax_zoo.sharding import make_mesh
from genjax_zoo.validate import best

# Arguments of `sample` and `log_prob` that are not options of a config.
NOT_OPTIONS = {"params", "state", "batch", "key", "n", "given"}


def perform(mode: str, path: str | None, workdir: str | None, overrides=()):
  """Runs a command: `mode` on the config at `path`, or on the existing run in `workdir`.

  `overrides` are assignments "model.latent=8". Raises UserError for all that the user can fix.
  """
  config = resolve.resolve(path) if path else None
  if config is None and not workdir:
    raise UserError("name a config to train, such as --config=configs/vae_digits.py")
  folder = Path(workdir or f"runs/{config.name}")
  saved = None
  if mode != "train" or config is None:
    saved, _ = read_description(folder)
  config = config or ConfigDict(saved)
  for assignment in overrides:
    resolve.override(config, assignment)
  config = config.to_dict()

  if mode == "train":
    train_run(config, folder)
    return
  other = resolve.differences(saved, config)
  if other:
    raise UserError(f"{folder} was trained with {other[0]}; --mode={mode} can't change that")
  act = {"evaluate": evaluate_run, "sample": sample_run, "report": report_run}[mode]
  with Log(folder) as log:
    act(load(folder)._replace(config=config), load_data(config), log)
    if mode != "report" and jax.process_index() == 0:
      write_report(folder)


def command() -> str:
  """The command line of this process."""
  return "python -m experiments.main " + shlex.join(sys.argv[1:])


def load_data(config):
  """The data set that a config names."""
  options = {k: v for k, v in config["data"].items() if k != "batch"}
  return data.load(**options)


def train_run(config: dict, folder: Path) -> Run | None:
  """Trains a resolved config after its missing earlier stages, evaluates it and writes a report.

  Earlier stages are looked for, and trained, beside `folder`. Returns None when interrupted. Raises
  UserError when the folder holds a run of another config.
  """
  steps = config["train"]["steps"]
  if (folder / "config.json").exists():
    saved, _ = read_description(folder)
    other = resolve.differences(saved, config)
    if other:
      raise UserError(
        f"{folder} is a run of another config ({'; '.join(other[:3])}); choose another --workdir: "
        "earlier stages are looked for beside it"
      )
    if finished(folder, saved, config):
      if jax.process_index() == 0:
        print(f"{folder} is finished, at step {steps}: {folder / 'report.html'}")
      return load(folder)

  stages = {}
  for name, stage in config["stages"].items():
    trained = train_run(stage, folder.parent / stage["name"])
    if trained is None:
      return None
    stages[name] = trained

  dataset = load_data(config)
  with Log(folder, steps) as log:
    run = fit(config, folder, dataset, stages, log)
    if run.step < steps:
      log.say(f"stopped and saved at step {run.step}; the same command resumes: {command()}")
      return None
    log.pause()
    evaluate_run(run, dataset, log)
    report_run(run, dataset, log)
  return run


def finished(folder: Path, saved: dict, config: dict) -> bool:
  """Whether a run has a report of its last step, evaluated and sampled as the config asks."""
  evaluation = read_json(folder / "evaluation.json")
  if evaluation is None or evaluation["step"] < config["train"]["steps"]:
    return False
  # As JSON: it has no tuples.
  same = all(json.dumps(saved[k]) == json.dumps(config[k]) for k in ("evaluate", "sample"))
  return same and (folder / "report.html").exists()


def fit(config: dict, folder: Path, dataset, stages: dict[str, Run], log) -> Run:
  """Trains a model, or resumes its training, to the last step or until interrupted."""
  learner = build(config, dataset.fields, {name: stage.model for name, stage in stages.items()})
  frozen = ({name: values(stage) for name, stage in stages.items()},) if stages else ()
  options = {k: v for k, v in config["train"].items() if k not in resolve.TRAIN}
  loader = train_loader(
    dataset,
    batch=config["data"]["batch"],
    steps_per_dispatch=options["steps_per_dispatch"],
    seed=options["seed"],
    **hosts(),
  )
  check_options(config, learner.model, dataset)
  if jax.process_index() == 0:
    stage_data = {name: read_description(stage.folder)[1] for name, stage in stages.items()}
    write_description(folder, config, describe(dataset.fields, loader.batch, stage_data))
  log.say(header(config, dataset, loader))
  if dataset.found:
    log.say(dataset.found)
  mesh = make_mesh()
  hooks = {}
  for name, hook in HOOKS.items():
    every = config["train"][name]
    if every and (learner.model.sample or name == "validate_every"):
      hooks[name] = every, hook(config, dataset, learner.model, mesh, folder, log)
  ts = train(learner, loader, log, workdir=folder, frozen=frozen, hooks=hooks, **options)
  done = int(ts.step) >= options["steps"]
  if done and jax.process_index() == 0 and not (folder / "training.json").exists():
    cost = evaluate.training_cost(folder, loader.batch, [stage.folder for stage in stages.values()])
    write_json(folder / "training.json", cost)
  ts = best(folder, ts)
  return Run(
    learner.model, ts.weights, ts.state, config, dataset.fields, int(ts.step), folder, mesh
  )


def check_options(config, model, dataset):
  """Raises UserError, before training, for options that evaluation or sampling would refuse."""
  options = config["evaluate"]
  check_arguments("evaluate.log_prob", options["log_prob"], model.log_prob)
  check_arguments("sample", sample_options(config), model.sample)
  # A model that knows which values are impossible raises UserError for them.
  model.calls(**sample_options(config))
  if model.log_prob:
    check_density(dataset)
  estimator = options["log_prob"].get("estimator")
  if estimator not in (None, *model.likelihood):
    raise UserError(
      f"evaluate.log_prob.estimator={estimator!r}: the model has {', '.join(model.likelihood)}"
    )
  if options["split"] not in dataset.splits:
    raise UserError(
      f"evaluate.split={options['split']!r}: data {dataset.name} has {', '.join(dataset.splits)}"
    )
  choose(options["features"], dataset.name, dataset.fields)


def check_arguments(section: str, options, f):
  """Raises UserError for an option that the function f, or None, doesn't take."""
  if f is None:
    return
  parameters = inspect.signature(f).parameters
  takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
  if not takes_any:
    resolve.check(section, options, parameters.keys() - NOT_OPTIONS)


def header(config, dataset, loader) -> str:
  """The first line of a run's log."""
  train = config["train"]
  entries = ", ".join(f"{k} {list(f.shape)}" for k, f in dataset.fields.items())
  examples = data.count(dataset.splits["train"])
  return (
    f"{config['name']}: model {config['model']['name']}; data {dataset.name}, "
    f"{examples:,} training examples ({entries}); {train['steps']:,} steps of "
    f"{loader.batch} examples, {train['steps_per_dispatch']} a dispatch; "
    f"{evaluate.device_name()}, JAX {jax.__version__}"
  )


def evaluate_run(run: Run, dataset, log):
  """Evaluates a run on held-out data and writes evaluation.json."""
  config, options = run.config, run.config["evaluate"]
  found = measure(run, dataset, log)
  found |= compare_samples(run, dataset, log)
  if run.model.sample:
    n = config["sample"]["n"]
    found["sampling"] = evaluate.time_sampling(
      run.model,
      run.weights,
      run.state,
      run.mesh,
      n=n,
      given=given_rows(run, dataset, n),
      **sample_options(config),
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
    "validation": read_json(run.folder / "validation.json"),
    "training": read_json(run.folder / "training.json"),
  }
  if jax.process_index() == 0:
    write_json(run.folder / "evaluation.json", evaluation)
    write_json(run.folder / "config.json", config)  # With the options of this evaluation.
  log.say(evaluate.summary(evaluation))


def measure(run: Run, dataset, log) -> dict:
  """Metrics and likelihood of a run on the split that the config names."""
  options = run.config["evaluate"]
  loader = test_loader(
    dataset,
    options["split"],
    batch=options["batch"],
    examples=options["examples"] or None,
    **hosts(),
  )
  with log.clock("evaluating"):
    found = evaluate.evaluate(
      run.model,
      run.weights,
      run.state,
      loader,
      run.mesh,
      seed=run.config["train"]["seed"],
      repeats=options["repeats"],
      log_prob=options["log_prob"],
      progress=log.track,
    )
  if "likelihood" in found:
    measured = found["likelihood"], found["likelihood"]["marginal"]
    for likelihood in filter(None, measured):
      likelihood |= {
        "bits_per_dim": evaluate.bits_per_dim(likelihood["nats"], dataset.fields),
        "binarization": dataset.binarization,
      }
  return found


def compare_samples(run: Run, dataset, log) -> dict:
  """The "quality" and what is "judged" of a run's samples, as far as they can be measured.

  The log says what can't be.
  """
  options = run.config["evaluate"]
  split = options["split"]
  if not run.model.sample or not options["samples"]:
    return {}
  if "restorations" in run.model.parts:
    log.say("quality is not measured: the model restores images, and samples none")
    return {}
  made = {k: field for k, field in dataset.fields.items() if k not in run.model.given}
  features = choose(options["features"], dataset.name, made or dataset.fields)
  examples = data.count(dataset.splits[split])
  missing = None
  if features is None:
    missing = (
      "there is no feature network for these data; "
      "--config.evaluate.features=inception:PATH names one"
    )
  elif examples < FEWEST:
    missing = f"it needs {FEWEST} test examples, and there are {examples}"
  if missing:
    log.say(f"quality is not measured: {missing}")
    if not (dataset.judge or run.model.given):
      return {}
  found = {}
  with log.clock(f"comparing {options['samples']:,} samples"):
    samples = quality.draw(
      run,
      dataset,
      options["samples"],
      split=split,
      progress=log.track,
      **sample_options(run.config),
    )
    if not missing:
      found["quality"] = quality.quality(samples, dataset, features, split, progress=log.track)
      found["quality"]["samples_are"] = quality.samples_are(run.model, sample_options(run.config))
    judgements = judged(samples, dataset, run.model.given, features, split)
    if judgements:
      found["judged"] = judgements
  return found


def sample_run(run: Run, dataset, log):
  """Writes config.sample.n samples, as arrays and as a picture."""
  n, seed = run.config["sample"]["n"], run.config["sample"]["seed"]
  batch = run.sample(n, seed, given_rows(run, dataset, n), **sample_options(run.config))
  folder = run.folder / "samples"
  if jax.process_index() == 0:
    pictures.save_arrays(folder / "samples.npz", batch)
    picture = pictures.show(batch, run.fields)
    if picture is not None:
      pictures.save(folder / "samples.png", picture)
  log.say(f"{n} samples: {folder / 'samples.npz'}, and a picture of them")


def report_run(run: Run, dataset, log):
  """Draws the figures and writes report.html."""
  with log.clock("drawing figures"):
    draw(run, dataset, run.folder / "figures", log.say)
  if jax.process_index() == 0:
    write_report(run.folder)
  log.say(f"report: {run.folder / 'report.html'}")
