"""Cameras: orthonormal frames, and rays that are projected to the pixels they came from."""

import jax
import numpy as np
import pytest

from genjax_zoo.prob import cameras

RNG = np.random.default_rng(0)
AZIMUTH, ELEVATION = RNG.uniform(0, 2 * np.pi, 20), RNG.uniform(-1.5, 1.5, 20)


def test_frames_are_orthonormal_and_right_handed():
  back, right, up = cameras.frame(AZIMUTH, ELEVATION)
  axes = np.stack([right, up, back], 1)
  np.testing.assert_allclose(axes @ axes.swapaxes(1, 2), np.tile(np.eye(3), (20, 1, 1)), atol=1e-6)
  np.testing.assert_allclose(np.cross(right, up), back, atol=1e-6)
  assert (np.asarray(up)[:, 2] > 0).all()


def test_a_camera_on_the_x_axis_sees_y_to_the_right_and_z_above():
  origin, directions = cameras.rays(0.0, 0.0, 5)
  np.testing.assert_allclose(origin, [cameras.DISTANCE, 0, 0])
  np.testing.assert_allclose(directions[2, 2], [-1, 0, 0], atol=1e-7)
  assert directions[2, 4, 1] > 0 and directions[0, 2, 2] > 0
  place = cameras.project(np.array([0.0, 0.5, 0.25]), 0.0, 0.0, width=2.0)
  np.testing.assert_allclose(place, [0.75, 0.375], atol=1e-6)


@pytest.mark.parametrize("size", [1, 6])
def test_every_point_of_a_ray_is_seen_in_its_pixel(size):
  origins, directions = cameras.rays(AZIMUTH, ELEVATION, size)
  assert directions.shape == (20, size, size, 3)
  np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1, rtol=1e-6)
  t = RNG.uniform(0.5, 6, (20, size, size, 1))
  points = np.asarray(origins)[:, None, None] + t * np.asarray(directions)
  seen = jax.vmap(jax.vmap(jax.vmap(cameras.project, (0, None, None)), (0, None, None)))(
    points, AZIMUTH, ELEVATION
  )
  centre = (np.arange(size) + 0.5) / size
  expected = np.stack(np.meshgrid(centre, centre), -1)
  np.testing.assert_allclose(seen, np.broadcast_to(expected, seen.shape), atol=1e-5)
