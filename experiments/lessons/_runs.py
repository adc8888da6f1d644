"""Trained runs for lessons."""

from pathlib import Path

from experiments import main, resolve as configs
from genjax_zoo.data import Dataset
from genjax_zoo.log import Log
from genjax_zoo.metrics.features import choose
from genjax_zoo.metrics.quality import draw, quality
from genjax_zoo.run import Run, load


def trained(name: str, folder: Path, smoke: bool = False, **overrides) -> tuple[Run, Dataset]:
  """The run of configs/NAME.py, with `overrides` by dotted key, trained in `folder`, its stages
  beside it; its data.
  """
  config = configs.resolve(f"configs/{name}.py" + (":smoke" if smoke else ""))
  for key, value in overrides.items():
    configs.override(config, f"{key}={value}")
  return fitted(config.to_dict(), folder)


def fitted(config: dict, folder: Path) -> tuple[Run, Dataset]:
  """The run of a resolved config, trained in `folder` where it is not yet."""
  stages = {
    k: fitted(stage, folder.parent / stage["name"])[0] for k, stage in config["stages"].items()
  }
  dataset = main.load_data(config)
  with Log(folder, config["train"]["steps"]) as log:
    return main.fit(config, folder, dataset, stages, log), dataset


def kept(name: str) -> tuple[Run, Dataset] | None:
  """The run in runs/NAME, where there is a finished one, and its data."""
  folder = Path("runs") / name
  if not (folder / "evaluation.json").exists():
    return None
  run = load(folder)
  return run, main.load_data(run.config)


def measured(samples: dict | Run, dataset: Dataset, n: int = 1000, **options) -> dict:
  """The quality of samples, or of n samples of a run, in the eyes of the committed feature net of
  the data.
  """
  if isinstance(samples, Run):
    samples = draw(samples, dataset, n, **options)
  return quality(samples, dataset, choose("auto", dataset.name, dataset.fields))


def summary(x) -> dict[str, float]:
  """The mean of numbers [N] and its standard error."""
  return {"mean": float(x.mean()), "standard error": float(x.std() / len(x) ** 0.5)}
