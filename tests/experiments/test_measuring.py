"""What an evaluation measures of a run, and what it leaves out."""

import contextlib

import numpy as np

from experiments import measuring
from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.models.latent_variable import autoencoder, vae
from genjax_zoo.run import Run

FIELDS = {"image": Field((8, 8, 1), np.uint8, 17)}


class Lines(list):
  """A log that keeps what is said."""

  say = list.append
  track = staticmethod(iter)
  bounded = lambda self, *args: iter
  clock = lambda self, doing: contextlib.nullcontext()


def test_a_model_that_restores_has_no_quality_of_samples():
  """Its samples decode z ~ N(0, I), which is not what it is trained for."""
  images = np.zeros((200, 8, 8, 1), np.uint8)
  dataset = Dataset("digits", FIELDS, {"train": {"image": images}, "test": {"image": images}})
  config = {"evaluate": {"samples": 100, "split": "test", "features": "auto"}, "sample": {"n": 4}}
  model = autoencoder.model(FIELDS, corruption="mask")
  log = Lines()
  run = Run(model, {}, {}, config, FIELDS, 0, None, None)
  assert measuring.compare_samples(run, dataset, log) == {}
  assert log == ["quality is not measured: the model restores images, and samples none"]


def test_too_few_examples_for_the_features_leave_quality_out(monkeypatch):
  """Found after training: the other measures are kept, and the log says why."""
  images = np.zeros((30, 8, 8, 1), np.uint8)
  dataset = Dataset("digits", FIELDS, {"train": {"image": images}, "test": {"image": images}})
  config = {"evaluate": {"samples": 40, "split": "test", "features": "auto"}, "sample": {"n": 4}}
  monkeypatch.setattr(measuring.quality, "draw", lambda *args, **kwargs: {"image": images})
  log = Lines()
  run = Run(
    vae.model(FIELDS, likelihood="discretized_logistic"), {}, {}, config, FIELDS, 0, None, None
  )
  assert measuring.compare_samples(run, dataset, log) == {}
  assert log == [
    "quality is not measured: the real set has 30 samples: a Frechet distance of 32 features "
    "needs 33"
  ]
