"""What a command does with a config: train a run, evaluate it, sample from it, report on it."""

from collections.abc import Mapping
import contextlib
import json
from pathlib import Path
import shlex
import sys

import jax
from ml_collections import ConfigDict

from experiments import ranges, resolve
from experiments.hooks import HOOKS, given_rows, hosts, typed_given
from experiments.measuring import compare_options, compare_reconstructions, compare_samples, measure
from experiments.publish import publish
from genjax_zoo import contract, data, evaluate, inputs
from genjax_zoo.build import build, is_module
from genjax_zoo.core import Model, UserError
from genjax_zoo.data.dataset import kind_of, listed, main_entry
from genjax_zoo.data.loader import train_loader
from genjax_zoo.data.table import check_density
from genjax_zoo.figures import draw
from genjax_zoo.figures.kinds import save_shown
from genjax_zoo.figures.pictures import save_arrays
from genjax_zoo.lock import alone
from genjax_zoo.log import Log, read_json, write_json
from genjax_zoo.loop import train
from genjax_zoo.metrics.features import choose
from genjax_zoo.metrics.sweep import choices, swept
from genjax_zoo.report.run_page import write_report
from genjax_zoo.run import (
  Run,
  describe,
  fields_of,
  load,
  read_description,
  values,
  write_description,
)
from genjax_zoo.sample import sample_options
from genjax_zoo.sharding import make_mesh, placed, sampling_mesh, training_mesh
from genjax_zoo.validate import best


def perform(mode: str, path: str | None, workdir: str | None, overrides=(), watching=None):
  """Runs a command: `mode` on the config at `path`, or on the existing run in `workdir`.

  `overrides` are assignments "model.latent=8"; `watching` shows a training, see
  explore/watching.py. Raises UserError for all that the user can fix, and
  `Stopped` after a signal.
  """
  trains = mode in ("train", "train_only")
  config = resolve.resolve(path) if path else None
  if config is None and not workdir:
    raise UserError("name a config to train, such as --config=vae_digits")
  folder = Path(workdir or f"runs/{config.name}")
  saved = None
  if not trains or config is None:
    saved, _ = read_description(folder)
  if config is None:  # What evaluation could not do when the run was made is at its default.
    config = ConfigDict(saved | {"evaluate": resolve.EVALUATE | saved["evaluate"]})
  for assignment in overrides:
    resolve.override(config, assignment)
  config = config.to_dict()

  if trains:
    train_run(config, folder, measured=mode == "train", watching=watching)
    return
  ranges.check(config)
  other = resolve.differences(saved, config)
  if other:
    raise UserError(f"{folder} was trained with {other[0]}; --mode={mode} can't change that")
  act = {
    "evaluate": evaluate_run,
    "sample": sample_run,
    "report": report_run,
    "publish": publish_run,
  }[mode]
  with Log(folder) as log:
    run = load(folder)._replace(config=config)
    dataset = as_begun(load_data(config), folder)
    check_options(config, run.model, dataset)
    act(run, dataset, log)
    if mode in ("evaluate", "sample") and jax.process_index() == 0:
      write_report(folder)


def command() -> str:
  """The command line of this process."""
  return "python -m experiments.main " + shlex.join(sys.argv[1:])


def load_data(config):
  """The data set that a config names."""
  options = {k: v for k, v in config["data"].items() if k != "batch"}
  return data.load(**options)


def as_begun(dataset, folder: Path):
  """The data set in the units with which the run in a folder began, if there is one.

  Files may have changed since. Raises UserError where the entries have other shapes, values or
  tokens now.
  """
  if not (folder / "data.json").exists():
    return dataset
  fields = dict(dataset.fields)
  for name, begun in fields_of(read_description(folder)[1]).items():
    form = lambda field: field and (field.shape, field.num_values, field.tokenizer)
    if form(fields.get(name)) != form(begun):
      raise UserError(
        f"{dataset.name} has changed since the run in {folder} began: {name!r} is another; choose "
        "another --workdir"
      )
    fields[name] = fields[name]._replace(mean=begun.mean, sd=begun.sd)
  return dataset._replace(fields=fields)


def train_run(
  config: dict, folder: Path, measured: bool = True, watching=None, stage: bool = False
) -> Run:
  """Trains a resolved config after its missing earlier stages, evaluates it and writes a report.

  Earlier stages are looked for, and trained, beside `folder`. With `measured` off nothing follows
  the training; a `stage` that has been measured in another way stays as it is. Raises UserError
  when the folder holds a run of another config, and when another process trains in it; `Stopped`
  after a signal, when what was trained has been saved.
  """
  ranges.check(config)
  steps = config["train"]["steps"]
  if (folder / "config.json").exists():
    saved, _ = read_description(folder)
    other = resolve.differences(saved, config)
    if other:
      raise UserError(
        f"{folder} is a run of another config ({'; '.join(other[:3])}); choose another --workdir: "
        "earlier stages are looked for beside it"
      )
    reached = finished(folder, saved, config, stage)
    if reached is not None:
      asked = f", and {steps:,} were asked for" if reached > steps else ""
      if jax.process_index() == 0:
        print(f"{folder} is finished, at step {reached:,}{asked}: {folder / 'report.html'}")
      return load(folder)

  dataset = as_begun(load_data(config), folder)
  if config["stages"]:  # What is wrong with the last stage is said before the first is trained.
    earlier = fields_of_stages(config, dataset.fields, folder)
    check_stages(config, dataset.fields, earlier)
    models = untrained(config, earlier, folder)
    check_options(config, build(config, dataset.fields, models).model, dataset)
  stages = {
    name: train_run(stage, folder.parent / stage["name"], measured, watching, stage=True)
    for name, stage in config["stages"].items()
  }
  # Of several hosts the first one holds the lock for all.
  lock = alone(folder) if jax.process_index() == 0 else contextlib.nullcontext()
  with lock, Log(folder, steps) as log:
    run = fit(config, folder, dataset, stages, log, watching)
    log.pause()
    if measured:
      evaluate_run(run, dataset, log)
      report_run(run, dataset, log)
    else:
      log.say(f"trained to step {run.step:,}; --mode=evaluate --workdir={folder} measures it")
  return run


def fields_of_stages(config: dict, fields: Mapping, folder: Path) -> dict[str, Mapping]:
  """{stage: the fields of its data} of a config whose data have `fields`.

  They are those of the stage's run beside `folder`, where there is one.
  """
  found = {}
  for name, stage in config["stages"].items():
    beside = folder.parent / stage["name"]
    if (beside / "data.json").exists():
      found[name] = fields_of(read_description(beside)[1])
    elif stage["data"] | {"batch": 0} == config["data"] | {"batch": 0}:
      found[name] = fields
    else:
      found[name] = load_data(stage).fields
  return found


def check_stages(config: dict, fields: Mapping, stages: Mapping[str, Mapping]):
  """Raises UserError for a stage whose data have another form than those of the model on it."""
  own = fields[main_entry(fields)]
  for name, earlier in stages.items():
    first = earlier[main_entry(earlier)]
    if not fits(first, own):
      source = config["stages"][name]["data"]["name"]
      raise UserError(
        f"stage {name!r} is of {source}, {list(first.shape)} of {first.num_values} values, "
        f"and the model on it of {config['data']['name']}, {list(own.shape)} of {own.num_values}: "
        f"set --config.stages.{name}.data.name and its options too"
      )


def fits(first, own) -> bool:
  """Whether a stage's data have the shape and the number of values of the model's on it.

  The sizes of images may differ by a whole factor: in a cascade, or where a stage reads captions.
  """
  small, large = of_frames(first), of_frames(own)
  same = small == large
  if kind_of(first) == kind_of(own) == "image":
    same = small[2] == large[2] and not any(b % a and a % b for a, b in zip(small, large))
  return same and first.num_values == own.num_values


def of_frames(field) -> tuple[int, ...]:
  """The shape of an entry; of a video that of a frame: stages may be of videos of other lengths."""
  return field.shape[1:] if kind_of(field) == "video" else field.shape


def untrained(config: dict, stages: Mapping[str, Mapping], folder: Path) -> dict[str, Model]:
  """{stage: its model} of a config, for data of these fields, whether or not it is trained."""
  models = {}
  for name, fields in stages.items():
    stage = config["stages"][name]
    earlier = fields_of_stages(stage, fields, folder)
    models[name] = build(stage, fields, untrained(stage, earlier, folder)).model
  return models


def finished(folder: Path, saved: dict, config: dict, stage: bool = False) -> int | None:
  """The step of a run that has a report of the steps that the config asks for, or of more.

  None where it hasn't, or was evaluated and sampled in another way, unless it is a stage.
  """
  evaluation = read_json(folder / "evaluation.json")
  if evaluation is None or evaluation["step"] < config["train"]["steps"]:
    return None
  # As JSON: it has no tuples. A key that was added after the run makes no difference.
  measured = "evaluate", "sample"
  same = all(json.dumps(config[k] | saved[k]) == json.dumps(config[k]) for k in measured)
  return evaluation["step"] if (same or stage) and (folder / "report.html").exists() else None


def fit(config: dict, folder: Path, dataset, stages: dict[str, Run], log, watching=None) -> Run:
  """Trains a model, or resumes its training, to the last step or until interrupted."""
  learner = build(config, dataset.fields, {name: stage.model for name, stage in stages.items()})
  frozen = ({name: values(stage) for name, stage in stages.items()},) if stages else ()
  options = {k: v for k, v in config["train"].items() if k not in resolve.TRAIN}
  loader = train_loader(
    dataset,
    batch=config["data"]["batch"],
    steps_per_dispatch=options["steps_per_dispatch"],
    seed=options["seed"],
    **hosts() | {"devices": training_mesh().size},
  )
  check_options(config, learner.model, dataset)
  if is_module(config["model"]["name"]):
    contract.check(config["model"]["name"], learner, dataset.fields, loader.batch, frozen)
  if jax.process_index() == 0:
    stage_data = {name: read_description(stage.folder)[1] for name, stage in stages.items()}
    about = describe(dataset.fields, loader.batch, stage_data)
    write_description(folder, resolve.with_command(config, folder), about)
  log.say(header(config, dataset, loader))
  if dataset.found:
    log.say(dataset.found)
  mesh = make_mesh()
  hooks = {}
  for name, hook in HOOKS.items():
    every = config["train"][name]
    if every and (learner.model.sample or name == "validate_every"):
      hooks[name] = every, hook(config, dataset, learner.model, mesh, folder, log)
  if watching:
    about = config, dataset, learner.model, mesh, folder, log
    hooks["watch"] = options["steps_per_dispatch"], watching.hook(*about)
  ts = train(learner, loader, log, workdir=folder, frozen=frozen, hooks=hooks, **options)
  done = int(ts.step) >= options["steps"]
  # The rows of metrics.jsonl are those of all sessions; one that trained no step adds nothing.
  stale = log.began or not (folder / "training.json").exists()
  if done and stale and jax.process_index() == 0:
    cost = evaluate.training_cost(folder, loader.batch, [stage.folder for stage in stages.values()])
    write_json(folder / "training.json", cost)
  ts = best(folder, ts)
  mesh = sampling_mesh((ts.weights, ts.state))
  weights, state = placed((ts.weights, ts.state), mesh)
  return Run(learner.model, weights, state, config, dataset.fields, int(ts.step), folder, mesh)


def check_options(config, model, dataset):
  """Raises UserError, before training, for options that evaluation or sampling would refuse."""
  options = config["evaluate"]
  if model.log_prob:
    inputs.log_prob_options("evaluate.log_prob", options["log_prob"], model)
  for name in sample_options(config).keys() & model.given.keys():
    raise UserError(f"sample.{name}: what the model is given is set by sample.given.{name}")
  if model.sample:
    inputs.options("sample", sample_options(config), model.sample)
  # A model that knows which values are impossible raises UserError for them.
  model.calls(**sample_options(config))
  if model.sample:
    choices(model, sample_options(config), swept(config))
    typed_given(config, model, dataset.fields, config["sample"]["n"])
  if model.log_prob:
    check_density(dataset)
  if options["split"] not in dataset.splits:
    raise UserError(
      f"evaluate.split={options['split']!r}: data {dataset.name} has {', '.join(dataset.splits)}"
    )
  choose(options["features"], dataset.name, dataset.fields)


def header(config, dataset, loader) -> str:
  """The first line of a run's log."""
  train = config["train"]
  sizes = ", ".join(f"{data.count(x):,} {split}" for split, x in dataset.splits.items())
  return (
    f"{config['name']}: model {config['model']['name']}; data {dataset.name}, "
    f"{sizes} examples ({listed(dataset.fields)}); {train['steps']:,} steps of "
    f"{loader.batch} examples, {train['steps_per_dispatch']} a dispatch; "
    f"{evaluate.device_name()}, JAX {jax.__version__}"
  )


def evaluate_run(run: Run, dataset, log):
  """Evaluates a run on held-out data and writes evaluation.json."""
  evaluation = evaluation_of(run, dataset, log)
  if jax.process_index() == 0:
    write_json(run.folder / "evaluation.json", evaluation)
    # With the options of this evaluation.
    write_json(run.folder / "config.json", resolve.with_command(run.config, run.folder))
  log.say(evaluate.summary(evaluation))


def evaluation_of(run: Run, dataset, log) -> dict:
  """The content of a run's evaluation.json."""
  config, options = run.config, run.config["evaluate"]
  found = measure(run, dataset, log)
  found |= compare_samples(run, dataset, log)
  found |= compare_options(run, dataset, log)
  found |= compare_reconstructions(run, dataset, log)
  if run.model.sample:
    n = config["sample"]["n"]
    given = given_rows(run, dataset, n)
    with log.clock("timing samples"):
      found["sampling"] = evaluate.time_sampling(
        run.model, run.weights, run.state, run.mesh, n=n, given=given, **sample_options(config)
      )
  return {
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


def sample_run(run: Run, dataset, log):
  """Writes config.sample.n samples, as arrays and as a picture."""
  n, seed = run.config["sample"]["n"], run.config["sample"]["seed"]
  given = given_rows(run, dataset, n)
  batch = run.sample(n, seed, given, **sample_options(run.config))
  folder = run.folder / "samples"
  if jax.process_index() == 0:
    save_arrays(folder / "samples.npz", batch)
    save_shown(folder / "samples.png", given | batch, dict(run.model.given) | dict(run.fields))
  log.say(f"{n} samples: {folder / 'samples.npz'}, and a picture of them")


def publish_run(run: Run, dataset, log):
  """Makes the run a trained model of the package, see publish.py."""
  file = publish(run, lambda again: evaluation_of(again, dataset, log))
  name = run.config["name"]
  log.say(f'{file}, {file.stat().st_size:,} bytes: genjax_zoo.load("pretrained:{name}")')


def report_run(run: Run, dataset, log):
  """Draws the figures and writes report.html."""
  with log.clock("drawing figures"):
    draw(run, dataset, run.folder / "figures", log.say)
  if jax.process_index() == 0:
    write_report(run.folder)
  log.say(f"report: {run.folder / 'report.html'}")
