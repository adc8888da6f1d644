"""Fields: interpolation against scipy's, densities that know no direction, and the cube's edge."""

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
import numpy as np
import pytest

from genjax_zoo.nn import fields
from genjax_zoo.nn.embed import harmonics
from genjax_zoo.nn.fields import RadianceField, Surroundings, VoxelField, to_density

trilinear = jax.jit(fields.trilinear)
KEY = jax.random.key(0)
POINTS = jax.random.uniform(KEY, (40, 3), minval=-0.99, maxval=0.99)
DIRECTIONS = jnp.array([[0.0, 0.6, 0.8], [1.0, 0.0, 0.0]])


def test_interpolation_is_that_of_scipy_and_holds_the_values_of_the_corners():
  grid = jax.random.normal(KEY, (5, 5, 5, 2))
  place = list(((POINTS + 1) / 2 * 4).T)
  wanted = jnp.stack([map_coordinates(grid[..., c], place, order=1) for c in range(2)], -1)
  np.testing.assert_allclose(trilinear(grid, POINTS), wanted, rtol=1e-4, atol=1e-6)
  corners = jnp.array([[-1.0, -1.0, -1.0], [1.0, -1.0, 0.5], [0.0, 1.0, 1.0]])
  held = jnp.stack([grid[0, 0, 0], grid[4, 0, 3], grid[2, 4, 4]])
  np.testing.assert_allclose(trilinear(grid, corners), held, rtol=1e-6)
  outside = jnp.array([[3.0, -1.0, 0.5]])
  np.testing.assert_allclose(trilinear(grid, outside), held[1:2], rtol=1e-6)


@pytest.mark.parametrize("field", [RadianceField(8, 2), VoxelField(4)])
def test_density_knows_no_direction_and_is_zero_outside(field):
  params = jax.jit(field.init)(KEY, POINTS, POINTS)
  apply = jax.jit(field.apply)
  seen = [apply(params, POINTS, jnp.broadcast_to(d, POINTS.shape)) for d in DIRECTIONS]
  np.testing.assert_array_equal(seen[0][0], seen[1][0])
  changes = np.abs(seen[0][1] - seen[1][1]).max()
  assert (changes > 1e-4) == isinstance(field, RadianceField)
  assert (seen[0][0] > 0).all() and ((seen[0][1] > 0) & (seen[0][1] < 1)).all()
  density, _ = apply(params, POINTS.at[:, 1].set(1.01), POINTS)
  np.testing.assert_array_equal(density, 0)


def test_voxels_hold_numbers_whose_density_is_taken_after_interpolation():
  field = VoxelField(3)
  grid = jax.random.normal(KEY, (3, 3, 3, 4))
  density, colour = field.apply({"params": {"grid": grid}}, POINTS, POINTS)
  values = 20 * trilinear(grid, POINTS)
  np.testing.assert_allclose(density, 10 * np.logaddexp(0, values[:, 0]), rtol=1e-5)
  np.testing.assert_allclose(colour, jax.nn.sigmoid(values[:, 1:]), rtol=1e-5)
  start = field.init(KEY, POINTS, POINTS)["params"]["grid"]
  np.testing.assert_allclose(to_density(20 * start[..., 0]), 10 * np.log1p(np.exp(-3.0)), rtol=0.5)


def test_the_position_enters_again_half_way():
  """A layer in the middle has the encoding's inputs beside its own."""
  params = jax.jit(RadianceField(8, 4, powers=3).init)(KEY, POINTS, POINTS)["params"]
  encoded = 3 + 2 * 3 * 3
  rows = [params[f"Dense_{i}"]["kernel"].shape[0] for i in range(4)]
  assert rows == [encoded, 8, 8 + encoded, 8]


def test_surroundings_are_colours_of_directions():
  net = Surroundings(8)
  colours = net.apply(net.init(KEY, DIRECTIONS), DIRECTIONS)
  assert colours.shape == (2, 3) and ((colours > 0) & (colours < 1)).all()
  assert np.abs(colours[0] - colours[1]).max() > 1e-4


def test_harmonics_are_the_same_after_a_turn_and_different_after_a_quarter():
  angles = jnp.array([[0.3, -0.2], [2.5, 1.0]])
  found = harmonics(angles, 3)
  times = np.concatenate([k * np.asarray(angles) for k in (1, 2, 3)], -1)
  wanted = np.concatenate([np.cos(times), np.sin(times)], -1)
  np.testing.assert_allclose(found, wanted, rtol=1e-5)
  np.testing.assert_allclose(harmonics(angles + 2 * jnp.pi, 3), found, atol=2e-5)
  assert np.abs(harmonics(angles + jnp.pi / 2, 3) - found).max() > 0.5
