"""Rendered sprites against geometry: areas, symmetries, the frame."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.data.dsprites import dsprites

SQUARE, ELLIPSE, HEART = range(3)


@pytest.fixture(scope="module")
def sprites():
  images = dsprites()
  render = jax.jit(images.render)
  return images, lambda rows: np.asarray(render(jnp.array(rows, jnp.int32)))[..., 0].astype(int)


def test_there_are_as_many_dsprites_as_in_the_original_in_its_order(sprites):
  images, _ = sprites
  assert images.total == 737_280 and images.sizes == (3, 6, 40, 32, 32)
  index = np.random.default_rng(0).integers(images.total, size=50)
  np.testing.assert_array_equal(np.ravel_multi_index(images.at(index).T, images.sizes), index)
  np.testing.assert_array_equal(
    images.at(jnp.array([0, 1, 32])), [[0] * 5, [0, 0, 0, 0, 1], [0, 0, 0, 1, 0]]
  )


@pytest.mark.parametrize("size", [32, 64])
def test_form(size):
  images = dsprites(size)
  x = jax.jit(images.render)(images.at(jnp.arange(6).reshape(2, 3)))
  assert x.shape == (2, 3, size, size, 1) and x.dtype == jnp.uint8
  assert set(np.unique(x)) == {0, 1} and images.num_values == 2


def test_area_is_that_of_the_shape_and_grows_as_the_square_of_scale(sprites):
  """Averaged over orientations, pixels count area: (2a)^2, pi a b, and the sextic's integral."""
  t = np.linspace(-np.pi, np.pi, 100_001)[:-1]
  c, s = np.cos(t), np.sin(t)
  # In polar coordinates r^2 - 1 = k r^(5/3), k = (c^2 s^3)^(1/3), solved by Newton's iteration;
  # area = 1/2 int r^2.
  k, r = np.cbrt(c**2 * s**3), np.ones_like(t)
  for _ in range(50):
    r -= (r**2 - 1 - k * r ** (5 / 3)) / (2 * r - 5 / 3 * k * r ** (2 / 3))
  area = np.array([1.4**2, np.pi * 0.6, 0.5 * (r**2).mean() * 2 * np.pi / 1.4**2])
  rows = [[shape, scale, o, 10, 20] for shape in range(3) for scale in range(6) for o in range(39)]
  pixels = sprites[1](rows).sum((1, 2)).reshape(3, 6, 39).mean(-1)
  np.testing.assert_allclose(
    pixels, area[:, None] * (0.2 * 64 * np.linspace(0.5, 1, 6)[None]) ** 2, rtol=0.03
  )


def test_every_dsprite_is_whole_inside_the_frame(sprites):
  """At the four extreme positions and every orientation, the largest shapes lose no pixel and touch
  no edge.
  """
  _, render = sprites
  rows = np.array(
    [[s, 5, o, x, y] for x in (0, 31) for y in (0, 31) for s in range(3) for o in range(40)]
  )
  x = render(rows)
  assert not (x[:, 0].any() or x[:, -1].any() or x[:, :, 0].any() or x[:, :, -1].any())
  rows[:, 3:] = 16
  np.testing.assert_array_equal(x.sum((1, 2)), render(rows).sum((1, 2)))


def test_positions_are_pixels_x_to_the_right_and_y_downwards(sprites):
  _, render = sprites
  rng = np.random.default_rng(1)
  rows = np.stack([rng.integers(n, size=30) for n in (3, 6, 40, 31, 31)], 1)
  x = render(rows)
  np.testing.assert_array_equal(render(rows + np.array([0, 0, 0, 1, 0])), np.roll(x, 1, 2))
  np.testing.assert_array_equal(render(rows + np.array([0, 0, 0, 0, 1])), np.roll(x, 1, 1))


def test_centre_of_mass_is_the_position(sprites):
  _, render = sprites
  rows = np.array([[s, 5, o, 7, 25] for s in range(3) for o in range(40)])
  x = render(rows)
  grid = np.arange(64) + 0.5
  row, column = ((x.sum(axis) * grid).sum(-1) / x.sum((1, 2)) for axis in (2, 1))
  np.testing.assert_allclose(row, 16.5 + 25, atol=0.4)
  np.testing.assert_allclose(column, 16.5 + 7, atol=0.4)


def test_orientations_turn_anticlockwise_through_a_whole_circle(sprites):
  """The second moments of an ellipse point along its long axis; 0 and 2 pi are one."""
  _, render = sprites
  x = render([[ELLIPSE, 5, o, 15, 15] for o in range(40)])
  y, c = np.mgrid[:64, :64] + 0.5 - 31.5
  moment = lambda f: (x * f[None]).sum((1, 2))
  angle = 0.5 * np.arctan2(-2 * moment(c * y), moment(c * c) - moment(y * y))  # y points down.
  turn = angle - np.linspace(0, 2 * np.pi, 40)
  np.testing.assert_allclose((turn + np.pi / 2) % np.pi - np.pi / 2, 0, atol=0.05)
  ends = render([[s, scale, o, 3, 9] for o in (0, 39) for s in range(3) for scale in range(6)])
  np.testing.assert_array_equal(ends[:18], ends[18:])


def test_hearts_are_symmetric_pointed_below_and_notched_above(sprites):
  _, render = sprites
  x = render([[HEART, 5, 0, 15, 15]])[0]
  rows, columns = (
    slice(np.flatnonzero(x.any(a))[0], np.flatnonzero(x.any(a))[-1] + 1) for a in (1, 0)
  )
  heart = x[rows, columns]
  np.testing.assert_array_equal(heart, heart[:, ::-1])
  # Widest above, a point below.
  assert heart.sum(1).argmax() < len(heart) / 2 and heart[-1].sum() <= 3
  middle = heart.shape[1] // 2
  # Two lobes, then one body.
  assert not heart[0, middle] and heart[0].any() and heart[3:, middle].all()


def test_hearts_of_all_orientations_differ(sprites):
  _, render = sprites
  for scale in range(6):
    assert len(np.unique(render([[HEART, scale, o, 15, 15] for o in range(40)]), axis=0)) == 39
