"""Pictures show the arrays they are made of, pixel by pixel."""

import jax.numpy as jnp
import numpy as np
from PIL import Image
import pytest

from genjax_zoo.figures import pictures
from genjax_zoo.figures.pictures import (
  BORDER,
  GRAY,
  LINE,
  WIDTH,
  beside,
  grid,
  save,
  save_arrays,
  save_film,
  unit,
  written,
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


def test_captions_are_below_their_tiles():
  images = np.random.default_rng(0).integers(0, 256, (3, 20, 40, 3), np.uint8)
  texts = ["a cat", "a very long sentence about a dog", ""]
  picture = grid(images, 256, 3, 1, texts)
  assert picture.shape[1] == 3 * (40 + BORDER) + BORDER
  strips = [picture[BORDER + 20 : -BORDER, BORDER + i * 44 :][:, :40] for i in range(3)]
  for i, strip in enumerate(strips):
    np.testing.assert_array_equal(picture[BORDER:][:20, BORDER + i * 44 :][:, :40], images[i])
    # Lines of text on white, the shorter captions with empty lines below.
    assert (strip == 255).mean() > 0.5 and len(strip) > 2 * LINE
    dark = (strip < 128).any(1)
    assert dark[:LINE].any() == bool(texts[i]) and dark[LINE:].any() == (i == 1)
  alike = grid(images, 256, 3, 1, texts[:1] * 3)
  np.testing.assert_array_equal(
    alike[BORDER + 20 :, :44][:LINE], picture[BORDER + 20 :, :44][:LINE]
  )


def test_written_text_is_as_wide_as_its_longest_line():
  short, long = written(["a"]), written(["a", "much longer"])
  assert len(long) == 2 * len(short) and long.shape[1] > short.shape[1]
  assert not (short != 255).any(-1)[:, -2:].any() and (short < 128).any()


def test_files_hold_what_was_saved(tmp_path):
  picture = np.random.default_rng(4).integers(0, 255, (5, 6, 3), np.uint8)
  save(tmp_path / "new" / "a.png", picture)
  save_arrays(tmp_path / "new" / "a.npz", {"x": picture})
  np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "a.png")), picture)
  np.testing.assert_array_equal(np.load(tmp_path / "new" / "a.npz")["x"], picture)
  assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["a.npz", "a.png"]


def test_a_film_is_its_frames(tmp_path):
  frames = np.random.default_rng(5).integers(0, 255, (4, 6, 8, 3), np.uint8)
  save_film(tmp_path / "a.webp", frames, seconds=0.1)
  with Image.open(tmp_path / "a.webp") as film:
    assert film.n_frames == 4 and film.info["loop"] == 0
    for t in range(4):
      film.seek(t)
      np.testing.assert_array_equal(np.asarray(film.convert("RGB")), frames[t])
      assert film.info["duration"] == 100


def test_a_failed_save_leaves_the_file_that_was_there(tmp_path):
  picture = np.zeros((2, 2, 3), np.uint8)
  save(tmp_path / "a.png", picture)
  with pytest.raises(Exception):  # noqa: B017
    save(tmp_path / "a.png", np.zeros((2, 2, 5), np.complex64))
  np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), picture)
