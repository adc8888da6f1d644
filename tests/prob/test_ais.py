"""Annealed importance sampling against models whose normaliser is known."""

import functools
import itertools

import jax
from jax.nn import logsumexp
import jax.numpy as jnp
from jax.scipy.stats import norm
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from genjax_zoo.prob import ais

B, D, X, NOISE = 3, 2, 4, 0.5
STEPS, CHAINS = 256, 512


class LinearGaussian:
  """z ~ N(0, I), x = W z + noise: p(x) = N(0, W W' + noise^2 I) and the posterior are exact."""

  def __init__(self):
    k_w, k_z, k_x = jax.random.split(jax.random.key(0), 3)
    self.w = jax.random.normal(k_w, (X, D))
    self.x = jax.random.normal(k_z, (B, D)) @ self.w.T + NOISE * jax.random.normal(k_x, (B, X))
    w, x = np.asarray(self.w, np.float64), np.asarray(self.x, np.float64)
    self.log_p = multivariate_normal(np.zeros(X), w @ w.T + NOISE**2 * np.eye(X)).logpdf(x)
    self.covariance = np.linalg.inv(np.eye(D) + w.T @ w / NOISE**2)
    self.mean = x @ w @ self.covariance / NOISE**2

  def log_prior(self, z):
    return norm.logpdf(z).sum(-1)

  def log_likelihood(self, z):
    return norm.logpdf(self.x, z @ self.w.T, NOISE).sum(-1)

  def log_marginal(self, chains, **options):
    sample = lambda key: jax.random.normal(key, (B, D))
    return jax.jit(
      lambda key, betas: ais.log_marginal(
        key, sample, self.log_prior, self.log_likelihood, betas, chains, **options
      )
    )


@pytest.fixture(scope="module")
def model():
  return LinearGaussian()


@pytest.fixture(scope="module")
def estimate(model):
  """(seed, steps) -> (log p(x), log weights), compiled once; the rest of STEPS are at b = 0."""
  run = model.log_marginal(CHAINS)
  betas = lambda steps: jnp.concatenate([jnp.zeros(STEPS - steps), ais.sigmoid_schedule(steps)])
  return lambda seed, steps: run(jax.random.key(seed), betas(steps))


def test_schedule_is_rising_and_symmetric():
  b = ais.sigmoid_schedule(11)
  assert b.shape == (12,) and b[0] == 0 and b[-1] == 1 and (jnp.diff(b) > 0).all()
  np.testing.assert_allclose(b, 1 - b[::-1], atol=1e-6)


def test_log_marginal_is_exact(model, estimate):
  log_p, log_w = estimate(1, STEPS)
  assert log_p.shape == (B,) and log_w.shape == (CHAINS, B)
  np.testing.assert_allclose(log_p, logsumexp(log_w, 0) - np.log(CHAINS), rtol=1e-6)
  # Of chains that mix the standard deviation falls as 1 / sqrt(steps).
  assert (log_w.std(0) < 1).all()
  np.testing.assert_allclose(log_p, model.log_p, atol=0.1)


def test_log_weights_are_lower_bounds_that_rise_to_log_p(model, estimate):
  weights = [estimate(2, steps)[1] for steps in (4, 16, 64, STEPS)]
  mean, error = (np.stack([f(w, 0) for w in weights]) for f in (np.mean, np.std))
  assert (mean < model.log_p[None] + 3 * error / CHAINS**0.5).all()
  assert (np.diff(mean, axis=0) > 0).all() and (mean[0] < model.log_p - 1).all()
  np.testing.assert_allclose(mean[-1], model.log_p, atol=0.35)


@pytest.mark.parametrize("leapfrogs, steps", [(1, 80), (5, 16)])
def test_mean_weight_is_unbiased_with_few_steps(model, leapfrogs, steps):
  """E[w] = Z for any number of steps, with MALA and HMC, unless a weight or transition is wrong."""
  _, log_w = model.log_marginal(20_000, leapfrogs=leapfrogs)(
    jax.random.key(3), ais.sigmoid_schedule(steps)
  )
  w = np.exp(np.asarray(log_w, np.float64) - model.log_p[None])
  error = w.std(0) / len(w) ** 0.5
  assert (error < 0.08).all()  # The comparison has power.
  np.testing.assert_array_less(np.abs(w.mean(0) - 1), 4 * error)


def test_backward_chain_from_the_posterior_is_an_upper_bound(model):
  noise = np.random.default_rng(4).multivariate_normal(np.zeros(D), model.covariance, (CHAINS, B))
  z = jnp.asarray(model.mean[None] + noise, jnp.float32)
  log_ratio = jax.vmap(model.log_likelihood)
  transition = lambda key, z, b: ais.hmc(
    key, z, lambda z: model.log_prior(z) + b * log_ratio(z), 0.25, 5
  )[0]
  run = jax.jit(
    lambda key: ais.anneal(key, z, log_ratio, transition, ais.sigmoid_schedule(64)[::-1])
  )
  log_w, last = run(jax.random.key(5))
  upper, error = -log_w.mean(0), log_w.std(0) / CHAINS**0.5
  np.testing.assert_array_less(model.log_p, upper + 3 * error)
  np.testing.assert_allclose(upper, model.log_p, atol=0.8)
  w = np.exp(np.asarray(log_w, np.float64) + model.log_p[None])
  np.testing.assert_array_less(np.abs(w.mean(0) - 1), 4 * w.std(0) / CHAINS**0.5)  # E[w] = 1/Z.
  np.testing.assert_allclose(last.std(0), 1, atol=0.15)  # Back at the prior.


@pytest.mark.parametrize("leapfrogs", [1, 8])
def test_hmc_leaves_a_correlated_gaussian_invariant(leapfrogs):
  """Mean and covariance of chains in equilibrium stay, though the integrator is far from exact."""
  covariance = np.array([[1.0, 0.6], [0.6, 0.5]])
  precision = jnp.asarray(np.linalg.inv(covariance), jnp.float32)
  log_density = lambda z: -0.5 * ((z @ precision) * z).sum(-1)
  z = jnp.asarray(
    np.random.default_rng(6).multivariate_normal(np.zeros(2), covariance, 20_000), jnp.float32
  )
  move = lambda z, key: ais.hmc(key, z, log_density, 0.5, leapfrogs)
  new, accept = jax.jit(lambda z, key: jax.lax.scan(move, z, jax.random.split(key, 30)))(
    z, jax.random.key(7)
  )
  assert 0.3 < accept.mean() < 0.95
  np.testing.assert_allclose(new.mean(0), 0, atol=0.03)
  np.testing.assert_allclose(np.cov(new.T), covariance, atol=0.03)
  assert abs(np.corrcoef(new[:, 0], z[:, 0])[0, 1]) < 0.3  # The chains did move.


def test_step_sizes_reach_the_target_acceptance():
  """On densities of width 1, 0.1 and 0.01 at once, each with its own step size."""
  width = jnp.array([1.0, 0.1, 0.01])
  log_density = lambda z: -0.5 * ((z / width[None, :, None]) ** 2).sum(-1)
  move = lambda key, z, b, size: ais.hmc(key, z, log_density, size[None, ..., None], 5)
  z = width[None, :, None] * jax.random.normal(jax.random.key(8), (64, 3, 8))
  sizes = jax.jit(lambda key: ais.tune(key, z, move, jnp.linspace(0, 1, 201), 0.1, 0.65))(
    jax.random.key(9)
  )
  assert sizes.shape == (200, 3)
  _, accept = move(jax.random.key(10), z, 1.0, sizes[-50:].mean(0))
  np.testing.assert_allclose(accept.mean(0), 0.65, atol=0.1)
  np.testing.assert_allclose(
    sizes[-50:].mean(0) / width, (sizes[-50:].mean(0) / width)[0], rtol=0.15
  )


def rbm_gibbs(visible, w, b, c):
  """log r and Gibbs moves of f_b(v, h) = exp(b (b'v + c'h + v'W h)) on binary states z = [v, h]."""

  def log_ratio(z):
    v, h = z[:, :visible], z[:, visible:]
    return v @ b + h @ c + ((v @ w) * h).sum(-1)

  def transition(key, z, beta):
    k_h, k_v = jax.random.split(key)
    h = jax.random.bernoulli(k_h, jax.nn.sigmoid(beta * (c[None] + z[:, :visible] @ w))).astype(
      float
    )
    v = jax.random.bernoulli(k_v, jax.nn.sigmoid(beta * (b[None] + h @ w.T))).astype(float)
    return jnp.concatenate([v, h], -1)

  return log_ratio, transition


def test_partition_function_of_an_enumerated_rbm():
  """Gibbs transitions, binary states: log Z sums the free energies of 2^6 visible states."""
  visible, hidden, chains = 6, 4, 4096
  w, b, c = (
    jax.random.normal(jax.random.key(i), s)
    for i, s in enumerate([(visible, hidden), (visible,), (hidden,)])
  )
  states = jnp.array(list(itertools.product([0.0, 1.0], repeat=visible)))
  log_z = logsumexp(states @ b + jnp.logaddexp(0, c[None] + states @ w).sum(-1))
  log_ratio, transition = rbm_gibbs(visible, w, b, c)
  z = jax.random.bernoulli(jax.random.key(3), 0.5, (chains, visible + hidden)).astype(float)
  run = jax.jit(functools.partial(ais.anneal, log_ratio=log_ratio, transition=transition))
  log_w, last = run(jax.random.key(4), z, betas=jnp.linspace(0, 1, 101))
  log_w = log_w + (visible + hidden) * np.log(2)  # Of the uniform distribution at b = 0.
  w_over_z = np.exp(np.asarray(log_w - log_z, np.float64))
  assert abs(w_over_z.mean() - 1) < 4 * w_over_z.std() / chains**0.5 < 0.1
  assert log_w.mean() < log_z
  probability = jax.nn.softmax(states @ b + jnp.logaddexp(0, c[None] + states @ w).sum(-1))
  # The last states are samples of the model.
  np.testing.assert_allclose(last[:, :visible].mean(0), probability @ states, atol=0.05)


def test_one_step_is_plain_importance_sampling():
  """With betas (0, 1) the weights are r(z_0), whatever the transition."""
  z = jax.random.normal(jax.random.key(11), (5, 2))
  log_ratio = lambda z: (z**3).sum(-1)
  log_w, last = ais.anneal(
    jax.random.key(12), z, log_ratio, lambda key, z, b: z + 1, jnp.array([0.0, 1.0])
  )
  np.testing.assert_allclose(log_w, log_ratio(z), rtol=1e-6)
  np.testing.assert_allclose(last, z + 1, rtol=1e-6)
