"""Figures of styles, of a generator whose images are known: an image is flat, of the sum of w."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.figures.mapping import (
  COLUMNS,
  ROWS,
  mapped,
  mixed,
  mixed_styles,
  paths,
  projections,
  truncations,
)
from tests.figures.test_pictures import scale_of, tiles
from tests.figures.test_translations import flat

FIELD = Field((4, 4, 1), np.uint8, 256, kind="image")
DATA = Dataset("toy", {"image": FIELD}, {})
LAYERS = 6
MAP = 3.0  # w is so much z.


def levels(w):
  """The gray level that [n, D] or [n, LAYERS, D] is decoded to: later layers count more."""
  w = np.asarray(w)
  every = w if w.ndim == 3 else w[:, None].repeat(LAYERS, 1)
  return np.clip(128 + 4 * (every.sum(-1) * np.arange(1, LAYERS + 1)[None]).sum(1), 0, 255)


def decode(latents):
  w = latents["w"] if "w" in latents else MAP * np.asarray(latents["z"])
  return {"image": flat(np.round(levels(w)))}


def sample(n, given, truncation=2.0):
  return {"image": flat(np.round(100 * np.full(n, truncation) + np.arange(n)))}


def prior(params, state, key, n):
  return {"z": jnp.sin(jnp.arange(2.0 * n)).reshape(n, 2) / 30 + jnp.array([[0.01, 0.02]])}


def run(**parts):
  model = SimpleNamespace(parts=parts, given={}, sample=sample, observe=None)
  config = {"model": {"widths": (1,) * (LAYERS // 2)}, "sample": {}}
  return SimpleNamespace(
    model=model, weights={}, state={}, config=config, decode=decode, sample=sample
  )


STYLED = run(prior=prior, map=lambda params, state, latents: {"w": MAP * latents["z"]})
TEST = {"image": flat(np.arange(40)), "weight": np.ones(40)}


def tile_levels(picture, columns, scale):
  return tiles(picture, 4, 4, scale)[:, :, 0, 0, 0].reshape(-1, columns).astype(int)


def test_a_third_of_the_layers_has_the_style():
  content, style = np.arange(6.0).reshape(3, 2), -np.arange(4.0).reshape(2, 2) - 1
  ws = mixed(content, style, 7)
  assert ws.shape == (3, 3, 2, 7, 2)
  spans = (0, 1, 2), (3, 4), (5, 6)
  for k, r, c, layer in np.ndindex(3, 3, 2, 7):
    expected = style[c] if layer in spans[k] else content[r]
    np.testing.assert_array_equal(ws[k, r, c, layer], expected)


def test_mixed_styles_are_beside_their_contents_and_below_their_styles():
  picture, _ = mixed_styles(STYLED, DATA, TEST, None)
  _, w = mapped(STYLED, ROWS + COLUMNS)
  width = (picture.shape[1] - 2 * 16) // 3
  parts = [picture[:, i * (width + 16) : i * (width + 16) + width] for i in range(3)]
  content, style = w[:ROWS], w[ROWS:]
  for part, ws in zip(parts, mixed(content, style, LAYERS)):
    found = tile_levels(part, 1 + COLUMNS, 10)
    np.testing.assert_allclose(found[0, 1:], levels(style), atol=1)
    np.testing.assert_allclose(found[1:, 0], levels(content), atol=1)
    expected = levels(ws.reshape(-1, LAYERS, 2)).reshape(ROWS, COLUMNS)
    np.testing.assert_allclose(found[1:, 1:], expected, atol=1)
  assert mixed_styles(run(), DATA, TEST, None) is None


def test_paths_of_z_and_of_w_have_the_same_ends():
  picture, _ = paths(STYLED, DATA, TEST, None)
  _, w = mapped(STYLED, 2 * ROWS)
  found = tile_levels(picture, 11, scale_of(picture, 11, 4)).reshape(ROWS, 2, 11)
  for end, rows in ((0, w[:ROWS]), (-1, w[ROWS:])):
    np.testing.assert_allclose(found[:, :, end], levels(rows)[:, None].repeat(2, 1), atol=1)
  # Along the line the sum of w, and so the level, is linear; along the arc of z it is not.
  lines = np.linspace(found[:, 1, 0], found[:, 1, -1], 11, axis=1)
  np.testing.assert_allclose(found[:, 1], lines, atol=2)
  assert np.abs(found[:, 0] - lines).max() > 4


def test_truncations_are_rows_of_the_same_samples():
  picture, _ = truncations(run(), DATA, TEST, None)
  found = tile_levels(picture, 12, scale_of(picture, 12, 4))
  expected = 100 * np.array([2.0, 1.0, 0.7, 0.4, 0.1])[:, None] + np.arange(12)[None]
  np.testing.assert_allclose(found, expected, atol=1)
  plain = run()
  plain.model.sample = lambda n, given: None
  assert truncations(plain, DATA, TEST, None) is None


def test_projections_are_below_their_images():
  def project(params, state, batch, key):
    """The w that is decoded to 100 levels more."""
    w = (batch["image"][:, :1, 0, 0] + 100.0 - 128) / 4 / 21
    return {"w": np.concatenate([w, 0 * w], 1)}

  picture, _ = projections(run(project=project), DATA, TEST, None)
  found = tile_levels(picture, 12, scale_of(picture, 12, 4))
  np.testing.assert_allclose(found, [np.arange(12), np.arange(12) + 100], atol=1)
  assert projections(run(), DATA, TEST, None) is None
