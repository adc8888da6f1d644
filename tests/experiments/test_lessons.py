"""Every lesson runs, in its smoke version, and writes its page."""

import ast
import json

import numpy as np
from PIL import Image
import pytest

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
