"""Langevin dynamics of a quadratic energy, whose law is known at every step size."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.prob.langevin import langevin

V = jnp.array([[0.5, 2.0]])  # E(x) = x² / (2 v): a Gaussian of variance v.


def test_stationary_variance_is_exact_for_any_step():
  """x <- (1 - s / 2v) x + r eps has the stationary variance r² / (1 - (1 - s / 2v)²), near v for r²
  = s, s small.
  """
  energy = lambda x: (x**2 / (2 * V)).sum(-1)
  for s, r in ((0.4, 0.4**0.5), (0.05, 0.05**0.5), (0.4, 0.1)):
    x = langevin(energy, jnp.zeros((20_000, 2)), jax.random.key(0), 300, s, r)
    expected = r**2 / (1 - (1 - s / (2 * V[0])) ** 2)
    np.testing.assert_allclose(x.var(0), expected, rtol=0.05)
  np.testing.assert_allclose(
    langevin(energy, jnp.zeros((20_000, 2)), jax.random.key(0), 300, 0.05, 0.05**0.5).var(0),
    V[0],
    rtol=0.07,
  )


def test_without_noise_it_descends_to_the_wall():
  start = jnp.array([[3.0], [-3.0]])
  one = langevin(lambda x: (x**2).sum(-1), start, jax.random.key(0), 1, 0.5, 0.0)
  np.testing.assert_allclose(one, start / 2)
  box = langevin(
    lambda x: -x.sum(-1),
    start,
    jax.random.key(0),
    100,
    1.0,
    0.0,
    project=lambda x: jnp.clip(x, -4, 4),
  )
  np.testing.assert_allclose(box, 4.0)
