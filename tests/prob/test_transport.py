"""Pairs of least distance, and the straightness of a Gaussian's trajectories in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import linear_sum_assignment

from genjax_zoo.prob.transport import optimal_pairs, straightness
from tests.prob.mixture import denoise as mixture_denoise

KEY = jax.random.key(0)


def test_optimal_pairs_are_scipys():
  x, eps = jax.random.normal(KEY, (2, 30, 3, 2))
  cost = ((np.asarray(x)[:, None] - np.asarray(eps)[None]) ** 2).sum((2, 3))
  found = optimal_pairs(x, eps)
  np.testing.assert_allclose(found, np.asarray(eps)[linear_sum_assignment(cost)[1]])
  assert ((x - found) ** 2).sum() < ((x - eps) ** 2).sum()


def test_straightness_is_0_for_straight_trajectories_alone():
  eps, point = jax.random.normal(KEY, (500, 2)), jnp.array([[1.0, -2.0]])
  assert straightness(lambda x, level: jnp.broadcast_to(point, x.shape), eps) < 1e-8
  assert straightness(mixture_denoise, eps) > 0.01


def test_straightness_of_gaussian_data():
  """Of N(0, c), x_t = r(t) eps with r² = c (1 - t)² + t², and v = r' eps."""
  c = 0.1
  eps = jax.random.normal(KEY, (50, 2))

  def denoise(x, level):
    return c * level.alpha / (c * level.alpha**2 + level.sigma**2) * x

  t = np.linspace(0, 1, 100_001)
  r = np.sqrt(c * (1 - t) ** 2 + t**2)
  slope = (t - c * (1 - t)) / r
  expected = np.trapezoid((1 - np.sqrt(c) - slope) ** 2, t) * (eps**2).mean()
  np.testing.assert_allclose(straightness(denoise, eps, 2000), expected, rtol=0.01)
