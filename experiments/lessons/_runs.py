"""Trained runs for lessons, and what is measured of them."""

from pathlib import Path
import tempfile

from experiments import pipeline, resolve
from genjax_zoo.data import Dataset
from genjax_zoo.log import Log
from genjax_zoo.metrics.features import choose
from genjax_zoo.metrics.quality import draw, quality
from genjax_zoo.run import Run, load


def trained(name: str, smoke: bool = False, **overrides) -> tuple[Run, Dataset]:
  """The run of configs/NAME.py, trained in a temporary folder, and its data.

  `overrides` are {"model.latent": 2}. With `smoke` it is the config's smoke run.
  """
  with tempfile.TemporaryDirectory() as folder:
    return trained_in(Path(folder) / "run", name, smoke, **overrides)


def trained_in(folder: Path, name: str, smoke: bool = False, **overrides) -> tuple[Run, Dataset]:
  """The same in a run folder that stays; a run that is there is resumed, its stages beside it."""
  config = resolve.resolve(f"configs/{name}.py" + (":smoke" if smoke else ""))
  for key, value in overrides.items():
    resolve.override(config, f"{key}={value}")
  return fitted(config.to_dict(), folder)


def fitted(config: dict, folder: Path) -> tuple[Run, Dataset]:
  """The run of a resolved config and its data, trained as far as it isn't yet."""
  stages = {}
  for name, stage in config["stages"].items():
    stages[name], _ = fitted(stage, folder.parent / stage["name"])
  dataset = pipeline.load_data(config)
  with Log(folder, config["train"]["steps"]) as log:
    return pipeline.fit(config, folder, dataset, stages, log), dataset


def finished_run(name: str) -> tuple[Run, Dataset] | None:
  """The run in runs/NAME and its data; None if there is none that was evaluated."""
  folder = Path("runs") / name
  if not (folder / "evaluation.json").exists():
    return None
  run = load(folder)
  return run, pipeline.load_data(run.config)


def run_of(name: str, smoke: bool = False) -> tuple[Run, Dataset]:
  """The run in runs/NAME, or one that is trained now, and its data."""
  return (not smoke and finished_run(name)) or trained(name, smoke)


def measured(samples: dict | Run, dataset: Dataset, n: int = 1000, **options) -> dict:
  """The quality of samples, or of n samples of a run, by the feature network of the data."""
  if isinstance(samples, Run):
    samples = draw(samples, dataset, n, **options)
  return quality(samples, dataset, choose("auto", dataset.name, dataset.fields))


def mean_and_error(x) -> dict[str, float]:
  """The mean of values [N] and its standard error."""
  return {"mean": float(x.mean()), "standard error": float(x.std() / len(x) ** 0.5)}
