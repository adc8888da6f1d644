"""Suites: what is measured of the configs that answer one question."""

import types

import numpy as np
from PIL import Image
import pytest

from experiments import suites
from genjax_zoo.core import Model
from genjax_zoo.log import read_json, write_json
from genjax_zoo.metrics.frechet import fid


def test_a_model_is_guided_where_a_scale_doubles_the_network_calls():
  diffusion = Model(None, calls=lambda steps=5, scale=None: steps * (1 + (scale is not None)))
  assert suites.guided(diffusion) and not suites.guided(Model(None))


def test_a_guidance_curve_has_the_agreement_and_the_distance_of_samples_at_each_scale(monkeypatch):
  """Samples are real ones times the scale, and every second one agrees."""
  real = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
  asked = []

  def draw(run, dataset, n, **options):
    asked.append(options)
    return {"image": options["scale"] * real[:n], "tokens": np.arange(n)}

  agree = lambda samples, given: {"all": given["tokens"] % 2 == 0}
  features = types.SimpleNamespace(extract=lambda samples: (samples["image"], None))
  run = types.SimpleNamespace(config={"sample": {"n": 4, "seed": 0, "steps": 3}})
  dataset = types.SimpleNamespace(judge=agree, fields={})
  monkeypatch.setattr(suites.quality, "draw", draw)
  monkeypatch.setattr(suites.quality, "reference", lambda *args: real)
  monkeypatch.setattr(suites, "chosen", lambda *args: features)
  curve = suites.guidance_curve(run, dataset, (1.0, 3.0), 30)
  assert [row["scale"] for row in curve] == [1.0, 3.0] and asked[1] == {"steps": 3, "scale": 3.0}
  assert curve[0]["all"] == 0.5 and curve[0]["precision"] > curve[1]["precision"]
  assert curve[1]["fid"] == pytest.approx(fid(real, 3 * real[:30]))


def test_guidance_is_measured_once(tmp_path):
  write_json(tmp_path / "evaluation.json", {"guidance": [{"scale": 1.0}]})
  suites.add_guidance(tmp_path, (2.0,))  # There is no run to load.
  assert read_json(tmp_path / "evaluation.json") == {"guidance": [{"scale": 1.0}]}


def test_guidance_is_drawn_of_the_models_that_have_any(tmp_path):
  rows = [{"scale": s, "all": 0.5, "recall": 0.5, "fid": s} for s in (1.0, 2.0)]
  suites.draw_guidance({"gan": {"guidance": []}}, tmp_path / "none.png")
  suites.draw_guidance({"gan": {"guidance": []}, "edm": {"guidance": rows}}, tmp_path / "one.png")
  assert [path.name for path in tmp_path.iterdir()] == ["one.png"]
  assert np.asarray(Image.open(tmp_path / "one.png")).std() > 0
