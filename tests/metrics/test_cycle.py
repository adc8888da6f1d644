"""The cycle error: 0 of maps that undo each other, known for one that loses a known amount."""

import numpy as np

from genjax_zoo.metrics.cycle import cycle_error

IMAGES = np.random.default_rng(0).integers(20, 200, (5, 4, 4, 3)).astype(np.uint8)


def test_maps_that_undo_each_other_have_none():
  identity = lambda x: x
  np.testing.assert_array_equal(cycle_error(identity, identity, IMAGES, 256), 0)
  flip = lambda x: 255 - x
  np.testing.assert_array_equal(cycle_error(flip, flip, IMAGES, 256), 0)


def test_what_is_lost_on_the_way_is_counted_for_each_example():
  """The way back is 10 i gray levels too bright for example i; then that, less 20."""
  brighter = lambda x: x + 10 * np.arange(5, dtype=np.uint8)[:, None, None, None]
  error = cycle_error(lambda x: x, brighter, IMAGES, 256)
  np.testing.assert_allclose(error, 10 * np.arange(5) / 255, rtol=1e-6)
  darker = cycle_error(brighter, lambda x: x - 20, IMAGES, 256)
  np.testing.assert_allclose(darker, np.array([20, 10, 0, 10, 20]) / 255, rtol=1e-6)


def test_quantisation_loses_a_quarter_of_its_step():
  """A map to multiples of 2 h, to the nearest: its error is uniform on [0, h], of mean h / 2."""
  x = np.linspace(0, 1, 200_001)[None]
  there = lambda x: np.round(x / 0.2)
  error = cycle_error(there, lambda y: 0.2 * y, x, None)
  np.testing.assert_allclose(error, 0.05, rtol=1e-3)


def test_gray_levels_are_in_units_of_their_range():
  white = lambda x: np.full_like(x, 16)
  black = np.zeros((2, 3), np.uint8)
  np.testing.assert_array_equal(cycle_error(lambda x: x, white, black, 17), 1)
