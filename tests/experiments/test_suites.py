"""Suites: what is measured of the configs that answer one question."""

import types

import numpy as np
from PIL import Image

from experiments import suites
from genjax_zoo.core import Model
from genjax_zoo.log import read_json, write_json


def test_a_model_is_guided_where_a_scale_doubles_the_network_calls():
  diffusion = Model(None, calls=lambda steps=5, scale=None: steps * (1 + (scale is not None)))
  assert suites.guided(diffusion) and not suites.guided(Model(None))


def test_a_guidance_curve_is_a_sweep_of_the_scale_with_the_run_s_other_options(monkeypatch):
  asked = []
  features = object()
  monkeypatch.setattr(suites, "sweep", lambda *args: asked.append(args))
  monkeypatch.setattr(suites, "chosen", lambda *args: features)
  run = types.SimpleNamespace(config={"sample": {"n": 4, "seed": 0, "steps": 3}})
  dataset = types.SimpleNamespace(fields={}, name="shapes")
  suites.guidance_curve(run, dataset, (1.0, 3.0), 30)
  tried = [{"steps": 3, "scale": 1.0}, {"steps": 3, "scale": 3.0}]
  assert asked == [(run, dataset, tried, 30, features)]


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
