"""Every lesson runs, in its smoke version, and writes its page."""

import json

import numpy as np
from PIL import Image
import pytest

from experiments.lessons._lesson import names, run_lesson
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


def test_an_unknown_lesson_is_an_error(tmp_path):
  with pytest.raises(UserError, match="no lesson is called 'mode_colapse'"):
    run_lesson("mode_colapse", tmp_path, smoke=True)
