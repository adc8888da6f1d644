"""Trained runs for lessons."""

from pathlib import Path

from experiments import config as configs, main
from genjax_zoo.data import Dataset
from genjax_zoo.log import Log
from genjax_zoo.metrics.features import choose
from genjax_zoo.quality import draw, quality
from genjax_zoo.run import Run


def trained(name: str, folder: Path, smoke: bool = False, **overrides) -> tuple[Run, Dataset]:
  """The run of configs/NAME.py, with `overrides` by dotted key, trained in `folder`; and its data."""
  config = configs.resolve(f"configs/{name}.py" + (":smoke" if smoke else ""))
  for key, value in overrides.items():
    configs.override(config, f"{key}={value}")
  dataset = main.load_data(config)
  with Log(folder, config.train.steps) as log:
    return main.fit(config.to_dict(), folder, dataset, {}, log), dataset


def measured(samples: dict | Run, dataset: Dataset, n: int = 1000) -> dict:
  """The quality of samples, or of n samples of a run, in the eyes of the committed feature net of the data."""
  if isinstance(samples, Run):
    samples = draw(samples, dataset, n)
  return quality(samples, dataset, choose("auto", dataset.name, dataset.fields))
