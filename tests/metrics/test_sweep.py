"""A sweep tries the options that a model has, each once, and times it without its compilation."""

import types

import numpy as np
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.metrics import sweep
from genjax_zoo.metrics.clouds import compare
from genjax_zoo.metrics.features import Features
from genjax_zoo.metrics.frechet import fid
from genjax_zoo.models.diffusion import ddpm, edm
from genjax_zoo.models.diffusion._sampling import SAMPLERS
from genjax_zoo.models.gans import gan

IMAGE = {"image": Field((8, 8, 1), np.uint8, 17)}
EDM = edm.model(IMAGE)
GAN = gan.learner(IMAGE, {"gen": None, "critic": None}).model


def steps_of(found):
  return [options["steps"] for options in found]


def test_a_run_s_own_options_come_first_and_then_few_steps_and_many():
  assert steps_of(sweep.choices(EDM, {}, {})) == [18, *sweep.STEPS]
  assert steps_of(sweep.choices(EDM, {"steps": 8}, {})) == [8, 1, 2, 4, 16, 32]
  assert all(options["sampler"] == "heun" for options in sweep.choices(EDM, {}, {}))
  short = ddpm.model(IMAGE, T=10)
  assert steps_of(sweep.choices(short, {}, {})) == [10, 1, 2, 4, 8]


def test_a_model_without_steps_has_its_own_options_alone():
  """So has one that hands all options to a stage without steps."""
  stage = Model(None, sample=lambda params, state, key, n, given={}, **options: None)
  assert sweep.choices(GAN, {}, {}) == sweep.choices(stage, {}, {}) == [{}]
  warm = {"temperature": 0.5}
  assert sweep.choices(GAN, warm, {"temperature": (0.5, 1.0)}) == [warm, {"temperature": 1.0}]


def test_all_combinations_are_tried_once():
  tried = {"sampler": ("heun", "ddim"), "steps": (18, 5)}
  found = [(o["sampler"], o["steps"]) for o in sweep.choices(EDM, {}, tried)]
  assert found == [("heun", 18), ("heun", 5), ("ddim", 18), ("ddim", 5)]
  found = sweep.choices(EDM, {}, {"sampler": ("dpm_solver_single",)})
  assert steps_of(found)[1:] == [2, 4, 8, 16, 32]  # It takes steps two at a time.


@pytest.mark.parametrize(
  "model, tried, words",
  [
    (
      EDM,
      {"sampler": ("huen",)},
      "evaluate.sweep: sample.sampler='huen' is unknown, did you mean 'heun'",
    ),
    (EDM, {"steps": (0, 1)}, "evaluate.sweep: sample.steps=0: there must be 1 or more"),
    (EDM, {"sampler": "heun"}, "evaluate.sweep.sampler='heun': it must be a list"),
    (EDM, {"stesp": (1,)}, "evaluate.sweep: sample.stesp: heun takes no options"),
    (GAN, {"steps": (1, 2)}, "evaluate.sweep: sample takes no 'steps'"),
  ],
)
def test_what_a_model_does_not_take_is_refused(model, tried, words):
  with pytest.raises(UserError, match=words):
    sweep.choices(model, {}, tried)


def test_more_steps_are_more_network_calls():
  for name in SAMPLERS:
    steps = range(2, 12, 2)
    found = [sweep.calls(EDM, {"sampler": name, "steps": n}) for n in steps]
    assert found == sorted(set(found)) and found[0] >= 2, name


@pytest.mark.parametrize("n, most", [(18, 500), (22, 5)])
def test_the_fastest_batch_counts_but_not_the_first(n, most, monkeypatch):
  """Batches of 5 that take 9 s, with compilation, and then 3, 1, 2 and 2 s; 6 would be too many."""
  now = [0.0]
  took = iter((9.0, 3.0, 1.0, 2.0, 2.0))
  drawn_by = []

  def sampler(model, mesh, n, **options):
    drawn_by.append((n, options))

    def sample(params, state, key, given):
      now[0] += next(took)
      return {"x": np.zeros((n, 2))}

    return sample

  monkeypatch.setattr(sweep, "sampler", sampler)
  monkeypatch.setattr(sweep.quality, "BATCH", most)
  monkeypatch.setattr(sweep.time, "perf_counter", lambda: now[0])
  run = types.SimpleNamespace(model=Model(None), mesh=None, weights={}, state={})
  dataset = Dataset("dots", {}, {"test": {"x": np.zeros((3, 2))}})
  samples, seconds = sweep.timed_samples(run, dataset, n, "test", {"steps": 3})
  assert drawn_by == [(5, {"steps": 3})] and len(samples["x"]) == n
  assert seconds == 1.0 / 5


def test_a_row_has_its_options_then_calls_and_the_distance(monkeypatch):
  """Samples are real points times the scale; every second one is what was asked for."""
  real = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
  drawn = lambda run, dataset, n, split, options: ({"x": options["scale"] * real[:n]}, 0.25)
  monkeypatch.setattr(sweep, "timed_samples", drawn)
  features = Features("x", lambda batch, progress=iter: (batch["x"], None), "x")
  judge = lambda samples, given: {"right": np.arange(len(samples["x"])) % 2}
  fields = {"x": Field((2,), np.float32)}
  dataset = Dataset("dots", fields, {"test": {"x": real}}, judge=judge)
  model = Model(None, sample=lambda params, state, key, n, given={}, scale=1.0: None)
  tried = [{"scale": 1.0}, {"scale": 3.0}]
  one, three = sweep.sweep(types.SimpleNamespace(model=model), dataset, tried, 30, features)
  assert sweep.options_of(one) == {"scale": 1.0} and sweep.options_of(three) == {"scale": 3.0}
  assert (one["calls"], one["seconds"], one["samples"], one["right"]) == (1, 0.25, 30, 0.5)
  assert three["fid"] == pytest.approx(fid(real, 3 * real[:30]))
  assert one["precision"] == 1.0 > three["precision"]
  unseen = sweep.sweep(types.SimpleNamespace(model=model), dataset, tried, 30, None)
  assert "fid" not in unseen[0] and unseen[0]["right"] == 0.5


def test_samples_given_a_label_are_compared_with_it_and_clouds_by_chamfer():
  rng = np.random.default_rng(0)
  real = rng.normal(size=(40, 2)).astype(np.float32)
  classes = np.eye(4)[np.arange(40) % 4]
  features = Features("net", lambda batch, progress=iter: (batch["x"], classes), "x")
  dataset = Dataset("dots", {"x": Field((2,), np.float32)}, {})
  samples = {"x": real, "label": np.arange(40) % 2}
  assert sweep.likeness(real, samples, dataset, features)["agreement"] == 0.5
  clouds = rng.normal(size=(12, 5, 3)).astype(np.float32)
  dataset = Dataset("clouds", {"points": Field((5, 3), np.float32, kind="points")}, {})
  features = Features("clouds", lambda batch, progress=iter: (batch["points"], None), "points")
  found = sweep.likeness(clouds[:6], {"points": clouds[6:]}, dataset, features)
  assert found == compare(clouds[:6], clouds[6:])


def test_a_config_s_values_are_those_of_its_sweep():
  config = {"evaluate": {"sweep": {"samples": 100, "steps": (1, 2)}}}
  assert sweep.swept(config) == {"steps": (1, 2)} and sweep.swept({"evaluate": {}}) == {}
