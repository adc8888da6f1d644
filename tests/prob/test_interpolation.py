"""Spherical interpolation of latents."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob.interpolation import spherical


def test_the_arc_has_equal_steps_and_the_norms_of_its_ends():
  a, b = jax.random.normal(jax.random.key(0), (2, 5, 16))
  unit = lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True)
  points = [spherical(a, b, t) for t in np.linspace(0, 1, 9, dtype=np.float32)]
  np.testing.assert_allclose(points[0], a, rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(points[-1], b, rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(
    np.linalg.norm(points[4], axis=-1),
    (np.linalg.norm(a, axis=-1) + np.linalg.norm(b, axis=-1)) / 2,
    rtol=1e-5,
  )
  steps = [np.arccos((unit(p) * unit(q)).sum(-1)) for p, q in itertools.pairwise(points)]
  np.testing.assert_allclose(steps, np.broadcast_to(steps[0], np.shape(steps)), rtol=1e-2)


def test_equal_points_stay():
  a = jnp.ones((2, 3))
  np.testing.assert_allclose(spherical(a, a, 0.3), a, rtol=1e-6)


@pytest.mark.parametrize("angle", [1e-3, 0.3, 1.2, 3.0])
def test_a_point_of_the_arc_has_its_share_of_the_angle(angle):
  """And of the change of the norm, here from 2 to 4."""
  with jax.enable_x64(True):
    a = jnp.array([2.0, 0.0, 0.0])
    b = 4 * jnp.array([np.cos(angle), np.sin(angle), 0.0])
    for t in 0.25, 0.5, 0.9:
      expected = (2 + 2 * t) * np.array([np.cos(t * angle), np.sin(t * angle), 0.0])
      np.testing.assert_allclose(spherical(a, b, t), expected, rtol=1e-7, atol=1e-9)


def test_between_points_of_one_direction_the_arc_is_a_line():
  a, b = jnp.array([3.0, 0.0]), jnp.array([6.0, 0.0])
  np.testing.assert_allclose(spherical(a, b, 0.25), [3.75, 0], rtol=1e-6)
