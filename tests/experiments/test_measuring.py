"""What an evaluation measures of a run, and what it leaves out."""

import contextlib

import numpy as np

from experiments import measuring
from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.models.latent_variable import autoencoder, vae
from genjax_zoo.run import Run
from genjax_zoo.sharding import make_mesh

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


def test_a_sweep_is_of_the_config_s_options_and_its_absence_has_a_reason(monkeypatch):
  """Of as many samples as it says, 0 for none."""
  asked = []

  def sweep(run, dataset, tried, n, *rest):
    asked.append((tried, n))
    if n < 33:
      raise UserError("too few")
    return ["row"]

  monkeypatch.setattr(measuring, "sweep", sweep)
  dataset = Dataset("digits", FIELDS, {})
  model = vae.model(FIELDS, likelihood="discretized_logistic")
  log = Lines()
  found = []
  for n in 0, 20, 40:
    evaluate = {"split": "test", "features": "auto", "sweep": {"samples": n, "noise": (False,)}}
    config = {"evaluate": evaluate, "sample": {"n": 4, "noise": True}}
    run = Run(model, {}, {}, config, FIELDS, 0, None, None)
    found.append(measuring.compare_options(run, dataset, log))
  assert found == [{}, {}, {"sweep": ["row"]}]
  tried = [{"noise": True}, {"noise": False}]
  assert asked == [(tried, 20), (tried, 40)] and log == ["the sweep is not measured: too few"]


def test_too_few_examples_leave_the_fid_of_reconstructions_out(monkeypatch):
  """What needs no covariance is still measured, and the stages that come after are trained."""
  images = np.random.default_rng(0).integers(0, 17, (30, 8, 8, 1)).astype(np.uint8)
  dataset = Dataset("digits", FIELDS, {"train": {"image": images}, "test": {"image": images}})
  config = {"evaluate": {"split": "test", "features": "auto"}}
  same = Model(
    None,
    encode=lambda params, state, batch, key: {"codes": batch["image"]},
    decode=lambda params, state, latents, key: {"image": latents["codes"]},
  )
  monkeypatch.setattr(measuring, "patches_psnr", lambda *args: {})
  log = Lines()
  run = Run(same, {}, {}, config, FIELDS, 0, None, make_mesh())
  found = measuring.compare_reconstructions(run, dataset, log)["reconstructions"]
  assert found["psnr"] == 100 and "fid" not in found
  assert log == [
    "FID of reconstructions is not measured: the real set has 30 samples: a Frechet distance of 32 "
    "features needs 33"
  ]


def test_unseen_combinations_are_judged_by_the_captions_of_their_own_split(monkeypatch):
  """Samples copy their captions, and are right where those are even: unseen ones are not."""
  fields = FIELDS | {"tokens": Field((1,), np.int32, 9)}
  captions = {"train": 1, "test": 2, "unseen": 3}
  splits = {
    split: {"image": np.full((20, 8, 8, 1), i, np.uint8), "tokens": np.full((20, 1), i, np.int32)}
    for split, i in captions.items()
  }
  judge = lambda samples, given: {"even": (given["tokens"][:, 0] % 2 == 0).astype(float)}
  dataset = Dataset("shapes", fields, splits, judge=judge)
  copy = lambda run, dataset, n, split, **rest: {k: x[:n] for k, x in dataset.splits[split].items()}
  monkeypatch.setattr(measuring.quality, "draw", copy)
  monkeypatch.setattr(measuring, "chosen", lambda *args: None)
  config = {"evaluate": {"samples": 16, "split": "test", "features": "auto"}, "sample": {"n": 4}}
  model = Model(None, sample=lambda: None, given={"tokens": fields["tokens"]})
  run = Run(model, {}, {}, config, fields, 0, None, None)
  found = measuring.compare_samples(run, dataset, Lines())["judged"]
  assert found["samples"] == {"even": 1.0} and found["unseen"] == {"even": 0.0}
