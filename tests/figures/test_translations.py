"""Figures of translators whose translations are known."""

from types import SimpleNamespace

import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.figures.images import cycles, portraits, styles
from tests.figures.test_pictures import scale_of, tiles

FIELD = Field((4, 4, 1), np.uint8, 256, kind="image")


def flat(levels):
  """Images of one gray level each, [N, 4, 4, 1]."""
  return np.broadcast_to(np.asarray(levels)[:, None, None, None], (len(levels), 4, 4, 1)).astype(
    "u1"
  )


def levels_of(picture, columns):
  """The gray level of each tile of 4 x 4 pixels, [rows, columns]."""
  return tiles(picture, 4, 4, scale_of(picture, columns, 4))[:, :, 0, 0, 0].astype(int)


def run_of(parts, sample=None):
  return SimpleNamespace(model=SimpleNamespace(parts=parts), weights={}, state={}, sample=sample)


def test_rows_go_there_and_back():
  def there_and_back(params, state, batch):
    return {k: (x + 10, x + 20) for k, x in batch.items()}

  test = {"image_a": flat([0, 1, 2]), "image_b": flat([100, 101, 102])}
  dataset = Dataset("toy", dict.fromkeys(test, FIELD), {"test": test})
  picture, _ = cycles(run_of({"cycles": there_and_back}), dataset, test, None)
  starts = np.array([0, 10, 20, 100, 110, 120])
  np.testing.assert_array_equal(levels_of(picture, 3), starts[:, None] + np.arange(3)[None])
  assert cycles(run_of({}), dataset, test, None) is None


def test_rows_have_their_content_and_columns_their_style_and_domain():
  """A sample is 10 times its domain, and the content, and the reference's level above 200."""
  label = np.array([2, 0, 2, 0])  # None is of domain 1.
  test = {"image": flat([1, 2, 3, 4]) + np.uint8(200), "label": label}
  fields = {"image": FIELD, "label": Field((), np.int32, 3)}

  def sample(n, given):
    made = 10 * given["label"][:, None, None, None] + given["image"] - 200
    return {"image": (made + 5 * (given["reference"] - 200)).astype(np.uint8)}

  dataset = Dataset("toy", fields, {"test": test})
  picture, _ = styles(run_of({"style": None}, sample), dataset, test, None)
  found = levels_of(picture, 3)
  np.testing.assert_array_equal(found[0], [0, 202, 201])  # The first of domains 0 and 2.
  np.testing.assert_array_equal(found[1:, 0], [201, 202, 203, 204])
  content = np.arange(1, 5)[:, None]
  np.testing.assert_array_equal(found[1:, 1:], content + np.array([[10, 25]]))
  assert styles(run_of({}), dataset, test, None) is None


def test_rows_have_their_person_and_columns_their_pose():
  """A sample is 20 times its pose, and the mean level of its shots and of their landmarks."""
  test = {"image": flat(range(1, 9)), "landmarks": flat(range(8))}
  shots = FIELD._replace(shape=(3, 4, 4, 1))

  def sample(n, given):
    known = given["shots"].mean(1) + 10 * given["shot_landmarks"].mean(1)
    return {"image": (20 * given["landmarks"] + known).astype(np.uint8)}

  run = run_of({}, sample)
  run.model.given = {"landmarks": FIELD, "shots": shots, "shot_landmarks": shots}
  dataset = Dataset("toy", {"image": FIELD}, {"test": test})
  picture, _ = portraits(run, dataset, test, None)
  found = levels_of(picture, 5)
  np.testing.assert_array_equal(found[0], [0, 5, 6, 7, 8])
  np.testing.assert_array_equal(found[1:, 0], [1, 2, 3, 4])
  person = np.arange(1, 5) + 10 * np.arange(4)
  np.testing.assert_array_equal(found[1:, 1:], person[:, None] + 20 * np.arange(4, 8)[None])
  run.model.given = {}
  assert portraits(run, dataset, test, None) is None
