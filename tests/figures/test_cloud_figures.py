"""Clouds between clouds: rows that begin and end with what they are between."""

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.figures import clouds, space
from genjax_zoo.run import Run
from genjax_zoo.sharding import make_mesh
from tests.figures.test_pictures import tiles

POINTS = np.random.default_rng(0).normal(size=(5, 9, 3)).astype(np.float32)
FIELDS = {
  "points": Field((9, 3), np.float32, ordered=False, kind="points"),
  "label": Field((), np.int32, 5),
}
TEST = {"points": POINTS, "label": np.arange(5, dtype=np.int32), "weight": np.ones(5, np.float32)}
DATA = Dataset("points", FIELDS, {"train": TEST, "test": TEST})


def noise(params, state, batch, key):
  """Clouds turned upside down, and their label."""
  return {"noise_h": -batch["points"], "label": batch["label"]}


def decode(params, state, latents, key):
  return {"points": -jnp.asarray(latents["noise_h"])}


def run(**parts):
  return Run(Model(None, decode=decode, parts=parts), {}, {}, {}, FIELDS, 0, None, make_mesh())


def test_rows_go_from_one_cloud_to_another():
  picture, caption = clouds.noise_interpolations(run(noise=noise), DATA, TEST, None)
  rows = tiles(picture, space.SIZE, 2 * space.SIZE, len(picture) // (2 * space.SIZE))
  assert len(rows) == 2 and "great circles" in caption  # Of five clouds, four.
  for i, row in enumerate(rows):
    np.testing.assert_array_equal(row[[0, -1]], space.clouds(POINTS[[i, i + 2]]))
    assert (row[3] != row[0]).any() and (row[3] != row[-1]).any()


def test_steps_are_even_on_the_circle_and_codes_stay():
  ends = np.array([[[2.0, 0]], [[0, 2.0]]], np.float32)
  path = clouds.between(ends, 1)[:, 0]
  angle = np.arctan2(path[:, 1], path[:, 0])
  np.testing.assert_allclose(angle, np.linspace(0, np.pi / 2, clouds.COLUMNS), atol=1e-5)
  np.testing.assert_allclose(np.linalg.norm(path, axis=1), 2, rtol=1e-5)
  np.testing.assert_array_equal(clouds.between(np.array([3, 4]), 1), [3] * clouds.COLUMNS)


def test_without_noise_there_is_no_such_figure():
  assert clouds.noise_interpolations(run(), DATA, TEST, None) is None
