"""Figures of flows, of one whose latents are the pixels and one that stretches the plane."""

import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.figures import flows as figures
from genjax_zoo.models.flows._flow import Layer, flow
from genjax_zoo.prob.bijectors import flatten
from tests.figures.test_figures import run_of
from tests.figures.test_pictures import scale_of, tiles


def test_temperature_scales_deviations(tmp_path):
  fields = {"image": Field((2, 3, 1), np.uint8, 256)}
  model = flow(fields, Layer(lambda key, x: {}, lambda params: flatten((2, 3, 1))))
  test = {"image": np.zeros((12, 2, 3, 1), np.uint8)}
  data = Dataset("pixels", fields, {"test": test})
  picture, _ = figures.temperatures(run_of(model, data, tmp_path), data, test, None)
  found = tiles(picture, 2, 3, scale_of(picture, 12, 3))[..., 0] / 255
  one = found[figures.TEMPERATURES.index(1.0)]
  inside = (one > 0) & (one < 0.99)
  for row, t in zip(found[:5], figures.TEMPERATURES):
    np.testing.assert_allclose(row[inside], t * one[inside], atol=0.01)


def test_the_grid_is_warped_stage_by_stage(tmp_path, monkeypatch):
  fields, shown = {"x": Field((2,), np.float32)}, {}
  x = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
  data = Dataset("plane", fields, {"test": {"x": x}})
  warp = lambda params, state, z: jnp.stack([z, 2 * z, 3 * z + 1])
  model = flow(fields, Layer(lambda key, x: {}, lambda params: flatten((2,))), {"warp": warp})

  class Axes:
    def __init__(self, i):
      shown[i] = {}
      self.found = shown[i]

    def plot(self, xs, ys, **_):
      self.found["lines"] = np.stack([xs, ys])

    def scatter(self, xs, ys, **_):
      self.found["draws"] = np.stack([xs, ys])

    def set(self, **options):
      self.found |= options

    def set_title(self, title):
      self.found["title"] = title

  paint = lambda draw, panels, size: (
    draw(*map(Axes, range(panels))) or np.zeros((2, 2, 3), np.uint8)
  )
  monkeypatch.setattr(figures, "plot", paint)
  _, caption = figures.warped_grid(run_of(model, data, tmp_path), data, data.splits["test"], None)
  assert [shown[i]["title"] for i in range(3)] == [
    "latents",
    "stage 1 of 2",
    "data",
  ] and "2 stages" in caption
  lines = shown[0]["lines"]  # [2, points, lines]: each line keeps one coordinate.
  assert (
    lines.shape == (2, figures.POINTS, 2 * figures.LINES) and (np.ptp(lines, 1).min(0) == 0).all()
  )
  for what in "lines", "draws":
    np.testing.assert_allclose(shown[1][what], 2 * shown[0][what], rtol=1e-5)
    np.testing.assert_allclose(shown[2][what], 3 * shown[0][what] + 1, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("figure", [figures.warped_grid, figures.temperatures, figures.attributes])
def test_what_others_cannot_do_is_left_out(figure, tmp_path):
  fields = {"x": Field((3,), np.float32)}
  test = {"x": np.zeros((20, 3), np.float32)}
  data = Dataset("table", fields, {"test": test})
  model = flow(fields, Layer(lambda key, x: {}, lambda params: flatten((3,))))
  assert figure(run_of(model, data, tmp_path), data, test, None) is None
