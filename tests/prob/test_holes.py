"""Holes: where they are, and what the nearest known pixel is, by brute force."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob.holes import HOLES, nearest, segment_distance

KEY = jax.random.key(0)


@pytest.mark.parametrize("name", HOLES)
def test_masks_are_0_and_1_in_the_size_of_the_images(name):
  known = HOLES[name](KEY, 3, 7, 10)
  assert known.shape == (3, 7, 10, 1) and known.dtype == jnp.float32
  assert set(np.unique(known)) == {0, 1}


def test_the_middle_and_the_lower_half_are_missing():
  centre = np.asarray(HOLES["centre"](KEY, 2, 8, 12))[..., 0]
  expected = np.ones((2, 8, 12))
  expected[:, 2:6, 3:9] = 0
  np.testing.assert_array_equal(centre, expected)
  lower = np.asarray(HOLES["lower"](KEY, 2, 8, 12))[..., 0]
  assert lower[:, :4].all() and not lower[:, 4:].any()


def test_the_distance_from_a_segment_is_that_of_its_nearest_point():
  rng = np.random.default_rng(0)
  places, start, end = rng.normal(size=(20, 2)), rng.normal(size=2), rng.normal(size=2)
  points = start + np.linspace(0, 1, 20_001)[:, None] * (end - start)
  expected = np.linalg.norm(places[:, None] - points[None], axis=-1).min(1)
  found = segment_distance(*map(jnp.asarray, (places, start, end)))
  np.testing.assert_allclose(found, expected, atol=1e-4)


def test_strokes_are_a_quarter_of_the_pixels_and_of_every_image_its_own():
  known = np.asarray(HOLES["strokes"](KEY, 200, 32, 32))
  assert 0.2 < (1 - known).mean() < 0.33
  assert (known[:-1] != known[1:]).any((1, 2, 3)).all() and known.any((1, 2, 3)).all()
  # Their number of pixels does not depend on the resolution.
  fine = np.asarray(HOLES["strokes"](KEY, 200, 64, 64))
  assert abs(fine.mean() - known.mean()) < 0.01


def test_a_box_is_a_rectangle_of_every_image_its_own():
  missing = 1 - np.asarray(HOLES["box"](KEY, 400, 24, 32))[..., 0]
  rows, columns = missing.max(2), missing.max(1)
  np.testing.assert_array_equal(missing, rows[:, :, None] * columns[:, None])
  assert (np.abs(np.diff(np.pad(rows, ((0, 0), (1, 1))))).sum(1) == 2).all()  # One run of them.
  # Of a side s about a uniform place 1 - (1 - s / 2)² is inside in the mean; s ~ U(1/3, 4/3).
  expected = 5 / 6 - (25 / 36 + 1 / 12) / 4
  assert abs(rows.mean() - expected) < 0.03 and abs(columns.mean() - expected) < 0.03


def test_every_unknown_pixel_is_that_of_the_nearest_known_one():
  x = jnp.arange(2 * 6 * 5 * 2.0).reshape(2, 6, 5, 2)
  known = jax.random.bernoulli(KEY, 0.2, (2, 6, 5, 1)).astype(jnp.float32)
  found = np.asarray(nearest(x, known))
  for i in range(2):
    rows, columns = np.nonzero(known[i, ..., 0])
    for r in range(6):
      for c in range(5):
        best = np.argmin((rows - r) ** 2 + (columns - c) ** 2)
        np.testing.assert_array_equal(found[i, r, c], x[i, rows[best], columns[best]])
