"""Pictures show the arrays they are made of, pixel by pixel."""

import sys

import jax.numpy as jnp
import numpy as np
from PIL import Image
import pytest

from genjax_zoo.core import Field
from genjax_zoo.figures import pictures
from genjax_zoo.figures.pictures import (
  BORDER,
  GRAY,
  WIDTH,
  beside,
  clouds,
  grid,
  save,
  save_arrays,
  show,
  unit,
)


def tiles(picture, h, w, scale=1):
  """The tiles of a grid of h x w images, [rows, columns, h, w, 3]; the inverse of `grid`."""
  H, W = h * scale + BORDER, w * scale + BORDER
  rows, columns = (picture.shape[0] - BORDER) // H, (picture.shape[1] - BORDER) // W
  assert picture.shape == (rows * H + BORDER, columns * W + BORDER, 3) and picture.dtype == np.uint8
  inner = (
    picture[BORDER:, BORDER:]
    .reshape(rows, H, columns, W, 3)
    .swapaxes(1, 2)[:, :, :-BORDER, :-BORDER]
  )
  blocks = inner.reshape(rows, columns, h, scale, w, scale, 3)
  # Nearest neighbour: each pixel is a block of one colour.
  assert (blocks == blocks[:, :, :, :1, :, :1]).all()
  return blocks[:, :, :, 0, :, 0]


def scale_of(picture, columns, w):
  return ((picture.shape[1] - BORDER) // columns - BORDER) // w


@pytest.mark.parametrize("columns, scale", [(2, 1), (3, 4), (5, 2), (7, 1)])
def test_grid_shows_each_image_in_its_tile(columns, scale):
  images = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 3), np.uint8)
  picture = grid(images, 256, columns, scale)
  found = tiles(picture, 3, 4, scale).reshape(-1, 3, 4, 3)
  np.testing.assert_array_equal(found[:5], images)
  assert (found[5:] == GRAY).all() and len(found) == -(-5 // columns) * columns


def test_grid_is_gray_between_the_tiles():
  picture = grid(np.full((4, 2, 2, 1), 255, np.uint8), 256, 2, 3)
  white = (picture == 255).all(-1)
  assert white.sum() == 4 * 36 and (picture[~white] == GRAY).all()
  assert not white[:BORDER].any() and not white[-BORDER:].any() and not white[:, -BORDER:].any()


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_gray_levels_span_black_to_white(levels):
  images = np.arange(levels, dtype=np.uint8).reshape(1, 1, levels, 1)
  found = tiles(grid(images, levels, 1, 1), 1, levels)[0, 0, 0]
  np.testing.assert_array_equal(found[:, 0], np.round(np.linspace(0, 255, levels)))
  assert (found == found[:, :1]).all()


def test_integers_and_their_floats_look_the_same():
  images = np.random.default_rng(1).integers(0, 17, (6, 8, 8, 1), np.uint8)
  np.testing.assert_array_equal(grid(images, 17), grid(images / 16.0))
  np.testing.assert_array_equal(grid(images, 17), grid(jnp.asarray(images, jnp.bfloat16) / 16))
  np.testing.assert_array_equal(grid(images > 8, 2), grid((images > 8).astype(np.int64), 2))


def test_floats_out_of_range_are_clipped_and_nan_is_black():
  np.testing.assert_array_equal(
    unit(np.array([-1.0, 0.25, 3.0, np.nan, np.inf])), [0, 0.25, 1, 0, 1]
  )


def test_opacity_is_over_white():
  rgba = np.array([[[[255, 0, 0, 255], [255, 0, 0, 0]]]], np.uint8)
  np.testing.assert_array_equal(
    tiles(grid(rgba, 256, 1, 1), 1, 2)[0, 0, 0], [[255, 0, 0], [255, 255, 255]]
  )


@pytest.mark.parametrize(
  "n, size", [(64, 8), (64, 28), (100, 32), (64, 64), (9, 128), (1, 8), (3, 256), (2, 1200)]
)
def test_grids_fit_the_page_and_are_as_large_as_fits(n, size):
  picture = grid(np.full((n, size, size, 1), 255, np.uint8), 256)
  # Where a white tile of the first row begins.
  starts = np.diff((picture[BORDER, :, 0] == 255).astype(int)) == 1
  columns, scale = starts.sum(), scale_of(picture, starts.sum(), size)
  assert picture.shape[0] == -(-n // columns) * (size * scale + BORDER) + BORDER
  assert picture.shape[1] <= max(WIDTH, 2 * (size + BORDER) + BORDER)
  assert scale == 1 or size * scale <= pictures.TILE
  larger = size * (scale + 1)
  assert larger > pictures.TILE or columns * (larger + BORDER) + BORDER > WIDTH
  if n == 64 and size < 64:
    assert columns == 8 and picture.shape[1] >= 600


def test_beside_keeps_the_pictures():
  a, b = (np.random.default_rng(2).integers(0, 255, s, np.uint8) for s in ((4, 5, 3), (7, 2, 3)))
  both = beside(a, b, gap=3)
  assert both.shape == (7, 10, 3)
  np.testing.assert_array_equal(both[:4, :5], a)
  np.testing.assert_array_equal(both[:, 8:], b)


def test_clouds_show_where_points_are_and_which_are_near():
  up, down, near, far = [0, 0, 1.0], [0, 0, -1.0], [0, -1.0, 0], [0, 1.0, 0]
  image = clouds(np.array([[up, down, near, far]]), size=65)[0, ..., 0]
  rows, columns = np.nonzero(image)
  assert len(rows) == 4 and columns[0] == columns[-1] == 32 and rows[0] + rows[-1] == 64
  low, high = sorted(image[rows, columns])[0], sorted(image[rows, columns])[-1]
  # Seen from above: near is lower.
  assert image[rows[1], columns[1]] == low and image[rows[2], columns[2]] == high
  assert 0 < low < high <= 1
  np.testing.assert_allclose(
    clouds(7 * np.array([[up, down, near]]) + 3), clouds(np.array([[up, down, near]])), atol=1e-6
  )


def numbers(shape, levels=None):
  x = np.random.default_rng(3).normal(size=(40, *shape)).astype(np.float32)
  return x if levels is None else np.clip(np.round(x + levels / 2), 0, levels - 1).astype(np.int32)


@pytest.mark.parametrize(
  "name, shape, levels",
  [
    ("x", (2,), None),
    ("x", (), None),
    ("x", (1,), None),
    ("x", (12,), None),
    ("x", (12,), 2),
    ("label", (), 10),
    ("tokens", (16,), 30),
    ("points", (50, 3), None),
    ("image", (8, 8, 1), 17),
    ("image", (8, 8, 3), None),
  ],
)
def test_each_kind_of_data_is_shown(name, shape, levels):
  fields = {name: Field(shape, np.float32 if levels is None else np.int32, levels)}
  batch = {name: numbers(shape, levels)}
  picture = show(batch, fields)
  assert (
    picture.dtype == np.uint8
    and picture.ndim == 3
    and picture.shape[2] == 3
    and np.ptp(picture) > 100
  )
  np.testing.assert_array_equal(show(batch | {"weight": np.ones(40)}, fields), picture)
  batch[name] = batch[name][::2] * 0
  other = show(batch, fields)
  assert other.shape != picture.shape or (other != picture).any()


def test_show_prefers_images_and_leaves_out_what_it_cannot_show():
  fields = {
    "label": Field((), np.int32, 10),
    "tokens": Field((5,), np.int32, 9),
    "image": Field((4, 4, 1), np.uint8, 256),
  }
  batch = {k: np.zeros((9, *f.shape), f.dtype) for k, f in fields.items()}
  np.testing.assert_array_equal(show(batch, fields), grid(batch["image"], 256))
  assert show({}, fields) is None
  assert show({"mask": np.ones((9, 5))}, fields | {"mask": Field((5,), bool)}) is None
  assert show({"voxels": np.ones((2, 5, 5, 5))}, {"voxels": Field((5, 5, 5), np.float32)}) is None


def test_scatter_leaves_pyplot_alone():
  show({"x": numbers((2,))}, {"x": Field((2,), np.float32)})
  pyplot = sys.modules.get("matplotlib.pyplot")
  assert pyplot is None or not pyplot.get_fignums()


def test_files_hold_what_was_saved(tmp_path):
  picture = np.random.default_rng(4).integers(0, 255, (5, 6, 3), np.uint8)
  save(tmp_path / "new" / "a.png", picture)
  save_arrays(tmp_path / "new" / "a.npz", {"x": picture})
  np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "a.png")), picture)
  np.testing.assert_array_equal(np.load(tmp_path / "new" / "a.npz")["x"], picture)
  assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["a.npz", "a.png"]


def test_a_failed_save_leaves_the_file_that_was_there(tmp_path):
  picture = np.zeros((2, 2, 3), np.uint8)
  save(tmp_path / "a.png", picture)
  with pytest.raises(Exception):  # noqa: B017
    save(tmp_path / "a.png", np.zeros((2, 2, 5), np.complex64))
  np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), picture)
