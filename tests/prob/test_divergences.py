"""Divergences against Monte Carlo, scipy, and their limits."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import rel_entr

from genjax_zoo.prob import divergences


def gaussians(seed, shape=(3, 4)):
  return [0.7 * x for x in jax.random.normal(jax.random.key(seed), (4, *shape))]


def test_gaussian_kl_is_the_mean_log_ratio():
  mean, logvar, mean2, logvar2 = gaussians(0)
  log_prob = lambda z, m, v: jax.scipy.stats.norm.logpdf(z, m[None], jnp.exp(v / 2)[None]).sum(-1)
  n = 200_000
  z = mean[None] + jnp.exp(logvar / 2)[None] * jax.random.normal(
    jax.random.key(1), (n, *mean.shape)
  )
  for closed, other in (
    (divergences.kl_normal(mean, logvar, mean2, logvar2), (mean2, logvar2)),
    (divergences.kl_standard_normal(mean, logvar), (0 * mean, 0 * mean)),
  ):
    ratio = log_prob(z, mean, logvar) - log_prob(z, *other)
    assert closed.shape == (3,)
    np.testing.assert_array_less(jnp.abs(ratio.mean(0) - closed), 5 * ratio.std(0) / n**0.5)


def test_kl_to_the_prior_is_least_at_the_prior():
  """Not so with log s in place of log s^2."""
  gradient = jax.grad(lambda x: divergences.kl_standard_normal(*x).sum())
  zeros = jnp.zeros((2, 5))
  np.testing.assert_allclose(gradient((zeros, zeros)), 0, atol=1e-7)
  np.testing.assert_allclose(divergences.kl_standard_normal(zeros, zeros), 0, atol=1e-7)
  mean, logvar, *_ = gaussians(2)
  assert (divergences.kl_standard_normal(mean, logvar) > 0).all()
  np.testing.assert_allclose(divergences.kl_normal(mean, logvar, mean, logvar), 0, atol=1e-6)


def test_kl_of_bernoullis_agrees_with_scipy():
  rng = np.random.default_rng(3)
  a, b = rng.normal(0, 3, (2, 5, 4))
  p, q = (1 / (1 + np.exp(-x)) for x in (a, b))
  expected = rel_entr(p, q).sum(-1) + rel_entr(1 - p, 1 - q).sum(-1)
  np.testing.assert_allclose(
    divergences.kl_bernoulli(jnp.float32(a), jnp.float32(b)), expected, rtol=1e-4, atol=1e-5
  )


def test_the_parts_of_the_kl_sum_and_each_is_zero_where_it_should_be():
  mean, logvar, z, _ = gaussians(3, (200, 3))
  mi, tc, dims = divergences.kl_parts(z, mean, logvar)
  log_ratio = jax.scipy.stats.norm.logpdf(
    z, mean, jnp.exp(logvar / 2)
  ) - jax.scipy.stats.norm.logpdf(z)
  np.testing.assert_allclose(mi + tc + dims, log_ratio.sum(-1), rtol=1e-4, atol=1e-4)
  # The same posterior for every x: no mutual information, no total correlation.
  one = lambda x: jnp.broadcast_to(x[:1], x.shape)
  mi, tc, dims = divergences.kl_parts(z, one(mean), one(logvar))
  np.testing.assert_allclose(mi, 0, atol=1e-4)
  np.testing.assert_allclose(tc, 0, atol=1e-4)
  # Three copies of one number: the total correlation is twice its entropy's gap.
  same = jnp.repeat(mean[:, :1], 3, 1)
  narrow = jnp.full_like(logvar, -6.0)
  tc = divergences.kl_parts(same, same, narrow)[1]
  assert tc.mean() > 2 and divergences.kl_parts(mean, mean, narrow)[1].mean() > 0
