"""Langevin dynamics of a quadratic energy, whose distribution is known at every step size."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.prob.langevin import langevin

V = jnp.array([[0.5, 2.0]])  # E(x) = x² / (2 v): a Gaussian of variance v.


def test_stationary_variance_is_exact_for_any_step():
  """x <- (1 - s / 2v) x + r eps has variance r² / (1 - (1 - s / 2v)²), near v for small r² = s."""
  energy = lambda x: (x**2 / (2 * V)).sum(-1)
  for s, r in ((0.4, 0.4**0.5), (0.05, 0.05**0.5), (0.4, 0.1)):
    x = langevin(energy, jnp.zeros((20_000, 2)), jax.random.key(0), 300, s, r)
    expected = r**2 / (1 - (1 - s / (2 * V[0])) ** 2)
    np.testing.assert_allclose(x.var(0), expected, rtol=0.05)
  x = langevin(energy, jnp.zeros((20_000, 2)), jax.random.key(0), 300, 0.05, 0.05**0.5)
  np.testing.assert_allclose(x.var(0), V[0], rtol=0.07)


def test_without_noise_it_descends_as_far_as_the_projection_lets_it():
  start = jnp.array([[3.0], [-3.0]])
  one = langevin(lambda x: (x**2).sum(-1), start, jax.random.key(0), 1, 0.5, 0.0)
  np.testing.assert_allclose(one, start / 2)
  clip = lambda x: jnp.clip(x, -4, 4)
  end = langevin(lambda x: -x.sum(-1), start, jax.random.key(0), 100, 1.0, 0.0, project=clip)
  np.testing.assert_allclose(end, 4.0)
