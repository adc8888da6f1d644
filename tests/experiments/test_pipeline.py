"""What an evaluation measures of a run, and what it leaves out."""

import numpy as np

from experiments import pipeline
from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.models.latent_variable import autoencoder
from genjax_zoo.run import Run

FIELDS = {"image": Field((8, 8, 1), np.uint8, 17)}


class Lines(list):
  """A log that keeps what is said."""

  say = list.append


def test_a_model_that_restores_has_no_quality_of_samples():
  """Its samples decode z ~ N(0, I), which is not what it is trained for."""
  images = np.zeros((200, 8, 8, 1), np.uint8)
  dataset = Dataset("digits", FIELDS, {"train": {"image": images}, "test": {"image": images}})
  config = {"evaluate": {"samples": 100, "split": "test", "features": "auto"}, "sample": {"n": 4}}
  model = autoencoder.model(FIELDS, corruption="mask")
  log = Lines()
  run = Run(model, {}, {}, config, FIELDS, 0, None, None)
  assert pipeline.compare_samples(run, dataset, log) == {}
  assert log == ["quality is not measured: the model restores images, and samples none"]
