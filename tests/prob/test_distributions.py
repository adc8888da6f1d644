"""Log-probabilities against scipy, sums over all values, gradients at extremes, samples."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from genjax_zoo.prob import distributions

NUM_VALUES = [2, 3, 17, 256]
DISCRETIZED = {
  "logistic": (distributions.discretized_logistic_log_prob, stats.logistic),
  "normal": (distributions.discretized_normal_log_prob, stats.norm),
}


def all_values(name, mean, log_scale, num_values):
  """Log-masses of every x, [N, num_values], of mean and log_scale [N], and derivatives by these."""
  columns = [jnp.float32(a)[:, None] for a in (mean, log_scale)]
  x, *parameters = jnp.broadcast_arrays(jnp.arange(num_values)[None], *columns)
  function, _ = DISCRETIZED[name]
  log_prob = lambda *parameters: function(x, *parameters, num_values)
  gradient = jax.grad(lambda parameters: log_prob(*parameters).sum())
  log_p, gradients = jax.jit(lambda *parameters: (log_prob(*parameters), gradient(parameters)))(
    *parameters
  )
  return [np.asarray(a, np.float64) for a in (log_p, *gradients)]


def same_frequencies(draws, probabilities):
  """A chi-squared test at 1 in 100,000 of the values drawn that are expected 10 times or more."""
  counts = np.bincount(np.asarray(draws).ravel(), minlength=len(probabilities))
  expected = draws.size * np.asarray(probabilities, np.float64)
  often = expected > 10
  statistic = ((counts - expected) ** 2 / expected)[often].sum()
  assert often.sum() > 1 and len(counts) == len(probabilities)
  assert statistic < stats.chi2.isf(1e-5, often.sum())


def test_bernoulli():
  logits = jnp.linspace(-15, 15, 31)
  for x in (0, 1):
    expected = stats.bernoulli.logpmf(x, special.expit(np.asarray(logits, np.float64)))
    np.testing.assert_allclose(
      distributions.bernoulli_log_prob(x, logits), expected, rtol=1e-5, atol=2e-6
    )
  total = sum(jnp.exp(distributions.bernoulli_log_prob(x, logits)) for x in (0, 1))
  np.testing.assert_allclose(total, 1, atol=1e-5)
  gradient = jax.grad(
    lambda logits: distributions.bernoulli_log_prob(jnp.array([0.0, 1.0]), logits).sum()
  )
  np.testing.assert_allclose(gradient(jnp.array([1e30, -1e30])), [-1, 1])


def test_normal():
  x, mean, log_scale = jax.random.normal(jax.random.key(0), (3, 4, 5))
  expected = stats.norm.logpdf(x, mean, np.exp(log_scale))
  np.testing.assert_allclose(
    distributions.normal_log_prob(x, mean, log_scale), expected, rtol=1e-4, atol=1e-5
  )


def test_categorical():
  logits = 3 * jax.random.normal(jax.random.key(0), (2, 3, 5))
  log_p = jnp.stack(
    [distributions.categorical_log_prob(jnp.full((2, 3), k), logits) for k in range(5)], -1
  )
  np.testing.assert_allclose(
    log_p, special.log_softmax(np.asarray(logits, np.float64), -1), rtol=1e-4, atol=1e-5
  )
  gradient = jax.grad(
    lambda logits: distributions.categorical_log_prob(jnp.array(0, jnp.uint8), logits)
  )
  np.testing.assert_allclose(gradient(jnp.array([0.0, 1e30, -jnp.inf])), [1, -1, 0])


@pytest.mark.parametrize("num_values", NUM_VALUES)
@pytest.mark.parametrize("name", DISCRETIZED)
def test_masses_sum_to_one_and_gradients_are_finite(name, num_values):
  means = -1.0, -0.3, 0.1, 0.999, 3.0, 50.0, -1e6
  log_scales = -50.0, -20.0, -9.0, -5.0, -2.0, 0.0, 2.0, 5.0, 12.0, 50.0
  log_p, *gradients = all_values(name, *zip(*itertools.product(means, log_scales)), num_values)
  np.testing.assert_allclose(np.exp(log_p).sum(-1), 1, atol=1e-5)
  assert all(np.isfinite(a).all() for a in (log_p, *gradients))


@pytest.mark.parametrize("name", DISCRETIZED)
def test_mass_is_that_of_the_cell(name):
  """Against differences of scipy's distribution functions, where float64 leaves enough digits."""
  _, distribution = DISCRETIZED[name]
  rng = np.random.default_rng(0)
  mean = rng.uniform(-2, 2, (40, 1)).astype(np.float32).astype(np.float64)
  log_scale = rng.uniform(-4, 5, (40, 1)).astype(np.float32).astype(np.float64)
  z = distribution(mean, np.exp(log_scale))
  for num_values in NUM_VALUES:
    half = 1 / (num_values - 1)
    v = (2 * np.arange(num_values) / (num_values - 1) - 1)[None]
    low = np.where(v > -1, v - half, -np.inf)
    high = np.where(v < 1, v + half, np.inf)
    mass = np.where(low > mean, z.sf(low) - z.sf(high), z.cdf(high) - z.cdf(low))
    digits = mass > 1e-6 * np.where(low > mean, z.sf(low), z.cdf(high))
    assert digits.mean() > 0.5
    log_p, *_ = all_values(name, mean[:, 0], log_scale[:, 0], num_values)
    np.testing.assert_allclose(log_p[digits], np.log(mass[digits]), rtol=3e-5, atol=3e-5)


@pytest.mark.parametrize("name", DISCRETIZED)
def test_gradients_are_those_of_finite_differences(name):
  for mean, log_scale, num_values in (
    (0.2, -1.0, 5),
    (0.2, -3.5, 256),
    (-0.7, 2.0, 17),
    (1.5, -2.0, 3),
  ):
    step = 0.01 * np.exp(min(log_scale, 0))
    means = mean + step * np.array([0, 1, -1, 0, 0])
    log_scales = log_scale + 0.01 * np.array([0, 0, 0, 1, -1])
    log_p, by_mean, by_log_scale = all_values(name, means, log_scales, num_values)
    np.testing.assert_allclose(by_mean[0], (log_p[1] - log_p[2]) / (2 * step), rtol=0.01, atol=0.02)
    np.testing.assert_allclose(by_log_scale[0], (log_p[3] - log_p[4]) / 0.02, rtol=0.01, atol=0.02)


def test_a_narrow_discretized_normal_is_its_density():
  x = jnp.arange(100, 150)
  mean = 0.3 * jnp.ones(50)
  log_scale = 6.0 * jnp.ones(50)
  v = 2 * np.arange(100, 150) / 255 - 1
  expected = stats.norm.logpdf(v, 0.3, np.exp(6)) + np.log(2 / 255)
  log_p = distributions.discretized_normal_log_prob(x, mean, log_scale, 256)
  np.testing.assert_allclose(log_p, expected, rtol=1e-6)


def test_the_mass_of_a_narrow_cell_is_that_between_its_ends():
  c = np.array([-1.5, 0.0, 0.3, 1.2])
  w = np.array([0.4, 0.3, 0.2, 0.4])
  mass = stats.norm.cdf(c + w / 2) - stats.norm.cdf(c - w / 2)
  found = distributions.log_mass_of_narrow_cell(jnp.float32(c), jnp.float32(w))
  np.testing.assert_allclose(found, np.log(mass), atol=2e-6)


def test_mixture_sums_to_one_and_equals_its_components():
  num_values = 17
  logits, mean, log_scale = jax.random.normal(jax.random.key(0), (3, 2, 4, 3))
  log_prob = lambda x: distributions.discretized_logistic_mixture_log_prob(
    x, logits, mean, log_scale - 1, num_values
  )
  log_p = jax.vmap(lambda x: log_prob(jnp.full((2, 4), x)), out_axes=-1)(jnp.arange(num_values))
  np.testing.assert_allclose(jnp.exp(log_p).sum(-1), 1, atol=1e-5)
  parts, *_ = all_values("logistic", mean[1, 2], log_scale[1, 2] - 1, num_values)
  expected = special.softmax(np.asarray(logits[1, 2])) @ np.exp(parts)
  np.testing.assert_allclose(jnp.exp(log_p[1, 2]), expected, rtol=1e-4, atol=1e-6)


def test_gumbel_softmax():
  logits = jnp.array([0.0, 1.0, -1.0])
  keys = jax.random.split(jax.random.key(0), 20_000)
  for temperature in (0.1, 1.0):
    soft = jax.vmap(lambda key, t=temperature: distributions.gumbel_softmax_sample(key, logits, t))(
      keys
    )
    np.testing.assert_allclose(soft.sum(-1), 1, atol=1e-5)
    same_frequencies(soft.argmax(-1), jax.nn.softmax(logits))
  assert (distributions.gumbel_softmax_sample(keys[0], logits, 1e-3).max() > 0.99).all()
  # At temperature t the density of the first of two is that of sigmoid((logits[0] - logits[1] +
  # logistic) / t).
  two = jax.vmap(lambda key: distributions.gumbel_softmax_sample(key, logits[:2], 2.0)[0])(keys)
  logistic = 2 * special.logit(np.asarray(two, np.float64)) + 1
  assert stats.kstest(logistic, stats.logistic.cdf).pvalue > 1e-5


def test_log_mean_exp():
  x = 1000 + jax.random.normal(jax.random.key(0), (3, 5))
  for axis in (0, 1, -1):
    expected = special.logsumexp(np.asarray(x, np.float64), axis) - np.log(x.shape[axis])
    np.testing.assert_allclose(distributions.log_mean_exp(x, axis), expected, rtol=1e-6)


def test_numbers_made_in_a_line_are_those_of_the_shape():
  key, shape = jax.random.key(0), (5, 4, 3, 1)
  for sample in jax.random.uniform, jax.random.normal, jax.random.logistic:
    made = distributions.in_line(sample, key, shape)
    np.testing.assert_allclose(made, sample(key, shape), rtol=1e-5, atol=1e-6)
  p = jax.random.uniform(jax.random.key(1), shape)
  ones = distributions.bernoulli_sample(key, p)
  np.testing.assert_array_equal(ones, jax.random.bernoulli(key, p))
