"""Spherical interpolation of latents."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

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
