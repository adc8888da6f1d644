"""Losses at the optimal critic of known distributions; gradient penalties in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, rel_entr

from genjax_zoo.prob.adversarial import GAMES, cross_entropy, gradient_penalty, squared_slope


def test_the_optimal_critic_measures_the_jensen_shannon_divergence():
  p, q = np.random.default_rng(0).dirichlet(np.ones(6), 2)

  def value(logits):
    # At a logit of infinite size the other term of the cross entropy is 0.
    return -(p * cross_entropy(logits, -jnp.inf)).sum() - (q * cross_entropy(jnp.inf, logits)).sum()

  best = jnp.log(p / q)
  m = (p + q) / 2
  jsd = (rel_entr(p, m).sum() + rel_entr(q, m).sum()) / 2
  assert value(best) == pytest.approx(2 * jsd - np.log(4), rel=1e-4)
  assert np.abs(jax.grad(value)(best)).max() < 1e-6
  for seed in range(5):
    assert value(best + 0.3 * jax.random.normal(jax.random.key(seed), (6,))) < value(best)
  assert value(jnp.zeros(6)) == pytest.approx(-np.log(4), rel=1e-6)  # D = 1/2: the value at p = q.


def test_gradients_of_the_generator_losses():
  """As D -> 0, d/dl log(1 - D) = -D vanishes and d/dl -log D = -(1 - D) does not."""
  logits = jnp.linspace(-30, 5, 50)
  slope = lambda f: jax.vmap(jax.grad(f))(logits)
  np.testing.assert_allclose(slope(GAMES["minimax"].gen), -expit(logits), rtol=1e-5)
  np.testing.assert_allclose(slope(GAMES["non_saturating"].gen), -expit(-logits), rtol=1e-5)
  np.testing.assert_allclose(
    GAMES["minimax"].gen(logits), np.log1p(-expit(logits).astype(float)), rtol=1e-4, atol=1e-6
  )
  np.testing.assert_allclose(
    GAMES["non_saturating"].gen(logits), -np.log(expit(logits).astype(float)), rtol=1e-4
  )


def test_what_each_generator_minimises():
  """1 is the target of least squares, and the others want their logits high."""
  fake = np.linspace(-3, 3, 7)
  log_D = -np.logaddexp(0, -fake)
  expected = {
    "minimax": log_D - fake,  # log(1 - D)
    "non_saturating": -log_D,
    "least_squares": (fake - 1) ** 2 / 2,
    "hinge": -fake,
    "wasserstein": -fake,
  }
  assert expected.keys() == GAMES.keys()
  for name, values in expected.items():
    np.testing.assert_allclose(GAMES[name].gen(fake), values, rtol=1e-5, atol=1e-6)


def test_squared_slope_is_that_of_each_example():
  rng = np.random.default_rng(1)
  x = rng.normal(size=(7, 3, 2)).astype(np.float32)
  w = rng.normal(size=(3, 2)).astype(np.float32)
  np.testing.assert_allclose(
    squared_slope(lambda x: (x * w[None]).sum((1, 2)), x), (w**2).sum(), rtol=1e-5
  )
  np.testing.assert_allclose(
    squared_slope(lambda x: (x**2).sum((1, 2)), x), 4 * (x**2).sum((1, 2)), rtol=1e-5
  )


def test_gradient_penalty_of_a_linear_critic_is_its_norms_distance_from_1():
  rng = np.random.default_rng(2)
  real, fake, w = (rng.normal(size=s).astype(np.float32) for s in ((9, 4, 3), (9, 4, 3), (4, 3)))
  found = gradient_penalty(lambda x: (x * w[None]).sum((1, 2)), real, fake, jax.random.key(0))
  np.testing.assert_allclose(found, (np.linalg.norm(w) - 1) ** 2, rtol=1e-5)
  flat = jax.grad(
    lambda x: gradient_penalty(lambda x: 0.0 * x.sum((1, 2)), x, fake, jax.random.key(0)).sum()
  )(real)
  assert np.isfinite(flat).all()  # A constant critic gives no NaN.


def test_gradient_penalty_is_taken_between_real_and_generated_examples():
  """The critic |x|²/2 has the gradient x: between 0 and 3 its norm is 3 t, t uniform in [0, 1]."""
  real, fake = jnp.full((20_000, 1), 3.0), jnp.zeros((20_000, 1))
  found = gradient_penalty(lambda x: (x**2).sum(-1) / 2, real, fake, jax.random.key(0))
  # E (3 t - 1)² = 1.
  assert found.max() == pytest.approx(4, rel=1e-2) and found.mean() == pytest.approx(1, rel=3e-2)


def test_gradient_penalty_is_taken_on_the_segment():
  """Not in the box around it: the slope of (x1 - x2)² is 0 on the diagonal alone."""
  real, fake = jnp.full((50, 2), 3.0), jnp.zeros((50, 2))
  found = gradient_penalty(lambda x: (x[:, 0] - x[:, 1]) ** 2, real, fake, jax.random.key(0))
  np.testing.assert_allclose(found, 1, rtol=1e-5)


def test_least_squares_is_half_pearsons_chi_square_at_its_optimal_critic():
  """Mao 2016, equation 8, with targets 0 and 1: critic p / (p + q), loss sum p q / (p + q) / 2."""
  p, q = np.random.default_rng(3).dirichlet(np.ones(6), 2)
  game = GAMES["least_squares"]
  value = lambda l: (p * game.critic(l, 0.0)).sum() + (q * game.critic(1.0, l)).sum()
  best = jnp.asarray(p / (p + q))
  assert np.abs(jax.grad(value)(best)).max() < 1e-6
  assert value(best) == pytest.approx((p * q / (p + q)).sum() / 2, rel=1e-5)


def test_hinge_is_twice_the_overlap_at_its_optimal_critic():
  """The critic is the sign of p - q, the loss 2 sum min(p, q) = 2 - 2 TV (Lim & Ye 2017)."""
  p, q = np.random.default_rng(4).dirichlet(np.ones(6), 2)
  game = GAMES["hinge"]
  best = jnp.sign(p - q)
  value = lambda l: (p * game.critic(l, -1.0)).sum() + (q * game.critic(1.0, l)).sum()
  assert value(best) == pytest.approx(2 * np.minimum(p, q).sum(), rel=1e-5)
  for seed in range(5):
    assert value(best + 0.3 * jax.random.normal(jax.random.key(seed), (6,))) >= value(best) - 1e-6
