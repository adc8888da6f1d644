"""Every lesson runs, in its smoke version, and writes its page."""

import ast
import json
import types

import numpy as np
from PIL import Image
import pytest

from experiments.lessons import guidance_scale
from experiments.lessons._lesson import HERE, names, run_lesson, write_json_and_page
from genjax_zoo.core import UserError


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_lesson(name, tmp_path):
  try:
    found = run_lesson(name, tmp_path, smoke=True)
  except UserError as e:
    pytest.skip(str(e))  # Its data are not there.
  saved = json.loads((tmp_path / "lesson.json").read_text())
  assert saved["results"].keys() == found["results"].keys()
  for path in tmp_path.glob("*.png"):
    assert np.asarray(Image.open(path)).std() > 0, f"{path.name} is blank"
  assert list(tmp_path.glob("*.png")) and (tmp_path / "report.html").stat().st_size > 1000


def test_a_page_has_the_verdict_the_command_and_numbers_in_four_digits(tmp_path):
  found = {
    "lesson": "one_step",
    "smoke": False,
    "results": {"fid": {"reflow": 0.1712345678, "steps": [1, 2.0000004]}},
    "seconds": 61.0,
    "device": "cpu",
    "versions": {"jax": "0.10.2"},
  }
  picture = np.zeros((4, 4, 3), np.uint8)
  write_json_and_page(tmp_path, found, "A claim.\n\nVerdict: holds.", [(picture, "Black.")])
  text = (tmp_path / "report.html").read_text()
  for shown in ("Verdict: holds.", "experiments.lessons one_step<", "61 s on cpu", ">0.1712<"):
    assert shown in text, shown
  assert "[1, 2.0]" in text and "17123" not in text
  assert json.loads((tmp_path / "lesson.json").read_text()) == found  # All digits.


@pytest.mark.parametrize("name", names())
def test_a_lesson_ends_with_its_verdict(name):
  text = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8")))
  assert text.split("\n\n")[-1].startswith("Verdict: ")


def test_an_unknown_lesson_is_an_error(tmp_path):
  with pytest.raises(UserError, match="no lesson is called 'mode_colapse'"):
    run_lesson("mode_colapse", tmp_path, smoke=True)


@pytest.mark.parametrize("occurring", [32, 8])
def test_openness_is_one_of_independent_draws(occurring):
  """Of the 32 images of a caption `occurring` are sampled, each as often."""
  rng = np.random.default_rng(0)
  tokens = np.repeat(np.arange(1, 301)[:, None], 2, 1)

  def sample(n, given):
    return {"image": np.stack([given["tokens"][:, 0], rng.integers(occurring, size=n)], 1)}

  run = types.SimpleNamespace(sample=sample)
  factors = types.SimpleNamespace(
    nearest=lambda images: images, tokens=lambda images: np.repeat(images[:, :1], 2, 1)
  )
  distinct = lambda k: k * (1 - (1 - 1 / k) ** 32)
  expected = distinct(occurring) / distinct(32)
  assert guidance_scale.openness(run, factors, tokens, {}) == pytest.approx(expected, abs=0.01)
  # Of half of the captions no sample is right.
  factors.nearest = lambda x: np.where(np.arange(len(x))[:, None] < len(x) // 2, x, 0)
  assert guidance_scale.openness(run, factors, tokens, {}) == pytest.approx(expected / 2, abs=0.01)
