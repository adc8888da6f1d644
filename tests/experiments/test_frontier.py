"""The frontier of quality and seconds, and the options whose points are on it."""

import numpy as np
from PIL import Image
import pytest

from experiments import frontier, pipeline, resolve, zoo
from genjax_zoo.core import UserError
from genjax_zoo.log import write_json


def rows(points):
  return [{"seconds": float(x), "fid": float(y)} for x, y in points]


def test_the_frontier_of_known_points():
  points = [(3, 1), (1, 4), (2, 2), (2, 3), (3, 2), (4, 1), (5, 0.5), (1, 5)]
  assert frontier.pareto(rows(points)) == rows([(1, 4), (2, 2), (3, 1), (5, 0.5)])
  assert frontier.pareto([]) == []


def test_no_point_beats_one_of_the_frontier_and_each_other_is_beaten():
  """By brute force, with ties."""
  rng = np.random.default_rng(0)
  x = rng.integers(0, 20, 60)
  points = rows(np.stack([x, 20 - x + rng.integers(0, 4, 60)], 1))
  best = frontier.pareto(points)
  as_good = lambda a, b: a["seconds"] <= b["seconds"] and a["fid"] <= b["fid"]
  assert not any(as_good(a, b) and a != b for a in points for b in best)
  assert all(any(as_good(a, b) for a in best) for b in points)
  assert len(best) > 2 and best == sorted(best, key=lambda row: row["seconds"])


def point(seconds, **options):
  return {**options, "calls": 1, "seconds": seconds, "samples": 500, "fid": 1 / seconds}


def evaluations():
  steps = [point(s, steps=s, sampler=name) for name in ("ddim", "heun") for s in (8, 1, 2)]
  unmeasured = {"calls": 1, "seconds": 1.0, "samples": 500}
  return [
    {"config": "edm_digits", "sweep": steps},
    {"config": "gan_digits", "sweep": [point(0.1)]},
    {"config": "old_digits"},
    {"config": "text_digits", "sweep": [unmeasured]},
  ]


def test_a_curve_is_of_one_sampler_by_rising_steps():
  found = frontier.sweeps(evaluations())
  assert [*found] == ["edm_digits", "gan_digits"]
  curves = frontier.curves(found["edm_digits"])
  assert [[row["steps"] for row in curve] for curve in curves] == [[1, 2, 8]] * 2
  assert [curve[0]["sampler"] for curve in curves] == ["ddim", "heun"]
  assert frontier.coordinates(curves[0][:2]) == ([1000.0, 2000.0], [1.0, 0.5])


def test_the_table_has_the_distance_by_steps_and_that_of_the_model_s_own():
  """A call takes what the fastest of a curve's samples take by call."""
  found = frontier.sweeps(evaluations())
  for row in found["edm_digits"]:
    row["calls"] = row["steps"] - (row["steps"] == 8)
  text = frontier.table(found, "../")
  head, _, ddim, heun, single = [line.strip("| ").split(" | ") for line in text.splitlines()]
  assert head == ["model", "sampler", "its own", "1", "2", "8", "ms a call"]
  link = "[edm_digits](../experiments/configs/edm_digits.py)"
  assert ddim == [link, "ddim", "0.125 in 8", "1", "0.5", "0.125", "1e+03"]
  assert heun[1:] == ["heun", "", "1", "0.5", "0.125", "1e+03"]
  assert single[1:] == ["", "10", "", "", "", "1e+02"]
  found["gan_digits"][0]["calls"] = None  # As of an adaptive solver.
  assert frontier.table(found, "../").endswith("|  | 10 |  |  |  |  |\n")


def test_the_figure_is_drawn_of_kept_results_of_two_points_or_more(tmp_path):
  assert not frontier.draw_frontier(frontier.sweeps(evaluations()[1:]), tmp_path / "one.png")
  assert not (tmp_path / "one.png").exists()
  results = {"evaluations": evaluations(), "hardware": {}}
  write_json(tmp_path / "results.json", results)
  frontier.main([str(tmp_path / "results.json")], tmp_path)
  drawn = np.asarray(Image.open(tmp_path / "frontier.png"))
  (tmp_path / "frontier.png").unlink()
  frontier.main([], tmp_path)
  np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "frontier.png")), drawn)
  assert drawn.std() > 0
  write_json(tmp_path / "results.json", {"evaluations": evaluations()[2:]})
  with pytest.raises(UserError, match="has no results with a sweep"):
    frontier.main([str(tmp_path / "results.json")], tmp_path)


def test_every_model_of_a_comparison_is_swept_by_fewer_samples_than_its_quality(
  tmp_path, monkeypatch
):
  asked = []
  monkeypatch.setattr(pipeline, "train_run", lambda config, folder: asked.append(config))
  configs = {name: resolve.resolve(f"configs/{name}.py") for name in ("edm_digits", "vae_digits")}
  for samples in 2000, 300:
    zoo.run_all(configs, tmp_path, None, samples)
  edm, vae, few, _ = (config["evaluate"]["sweep"] for config in asked)
  assert edm == {"samples": zoo.SWEPT, "sampler": ("heun", "dpm_solver")}
  assert vae == {"samples": zoo.SWEPT} and few["samples"] == 300 < zoo.SWEPT


def test_the_values_of_a_sweep_are_typed_as_tuples_and_checked_before_training(tmp_path):
  config = resolve.resolve("configs/edm_digits.py")
  assert config.evaluate.sweep.samples == 0
  for assignment in "steps=4", "sampler=ddim,heun", "samples=100":
    resolve.override(config, f"evaluate.sweep.{assignment}")
  assert config.evaluate.sweep.steps == (4,) and config.evaluate.sweep.samples == 100
  assert config.evaluate.sweep.sampler == ("ddim", "heun")
  wrong = ["evaluate.sweep.sampler=huen"]
  with pytest.raises(UserError, match="sampler='huen'"):
    pipeline.perform("train", "edm_digits:smoke", str(tmp_path / "run"), wrong)
  assert not (tmp_path / "run/config.json").exists()


def test_a_run_from_before_there_were_sweeps_can_be_swept(tmp_path, monkeypatch):
  saved = resolve.resolve("configs/edm_digits.py").to_dict()
  del saved["evaluate"]["sweep"]
  asked = []
  monkeypatch.setattr(pipeline, "read_description", lambda folder: (saved, {}))
  monkeypatch.setattr(pipeline, "train_run", lambda config, folder, **_: asked.append(config))
  options = ["evaluate.sweep.samples=100", "evaluate.sweep.steps=4"]
  pipeline.perform("train", None, str(tmp_path), options)
  assert asked[0]["evaluate"]["sweep"] == {"samples": 100, "steps": (4,)}
  assert resolve.EVALUATE["sweep"] == {"samples": 0}


def test_the_page_s_caption_says_how_many_samples(tmp_path):
  for i, e in enumerate(evaluations()[:2]):
    (tmp_path / f"run{i}").mkdir()
    write_json(tmp_path / f"run{i}/evaluation.json", e)
  ((path, caption),) = zoo.draw_steps([tmp_path / "run0", tmp_path / "run1"], tmp_path).items()
  assert path.exists() and "FID of 500 samples" in caption
  assert zoo.draw_steps([tmp_path / "run1"], tmp_path) == {}
