"""The density along the ODE and the bound, for a mixture of Gaussians, whose density is known."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from genjax_zoo.prob import processes, schedules
from genjax_zoo.prob.likelihood import ode_log_prob
from genjax_zoo.prob.schedules import NoiseLevel
from tests.prob.mixture import denoise, log_prob, points

LOW = 0.05
HIGH = 5000.0  # So high because N(0, high² I) is off by |x| |mean| / high² at the end.


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


def estimate(x, **options):
  f = functools.partial(ode_log_prob, denoise, low=LOW, high=HIGH, **options)
  return np.asarray(jax.jit(f)(x, jax.random.key(3)))


def test_the_density_is_the_exact_one():
  x = points(jax.random.key(0), 200)
  truth = np.asarray(log_prob(x, NoiseLevel(1.0, LOW)))
  np.testing.assert_allclose(estimate(x, steps=200, probes=0), truth, rtol=0, atol=1e-3)


@pytest.mark.parametrize("probes", [0, 1, 3])
def test_every_sign_has_the_trace_of_a_multiple_of_the_identity(probes):
  """So of N(0, c I) any number of directions is exact."""
  c, low, high = 0.4, 0.05, 500.0
  x = jax.random.normal(jax.random.key(0), (4, 3))
  denoise = lambda x, level: c / (c + level.sigma**2) * x
  found = ode_log_prob(denoise, x, jax.random.key(1), low, high, steps=200, probes=probes)
  expected = norm.logpdf(x, 0, (c + low**2) ** 0.5).sum(-1)
  np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.slow
def test_hutchinson_is_unbiased():
  """The mean over random v is the exact trace's, within its standard error; one v is far off."""
  x = jnp.repeat(points(jax.random.key(0), 8), 200, 0)
  noisy = estimate(x, steps=40).reshape(8, 200)
  exact = estimate(x[::200], steps=40, probes=0)
  error = noisy.std(1) / 200**0.5
  assert noisy.std(1).max() > 0.1 and (np.abs(noisy.mean(1) - exact) < 4 * error + 1e-4).all()
  many = estimate(x, steps=40, probes=16).reshape(8, 200)
  large = noisy.std(1) > 0.1
  np.testing.assert_allclose(many.std(1)[large], noisy.std(1)[large] / 4, rtol=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("T", [30, 300])
def test_the_bound_is_below(T):
  """Of the exact denoiser, prior_kl + KLs + the decoder's term is above -log p, by less with T."""
  level = schedules.log_snr_level(jnp.linspace(-2 * np.log(LOW), -9.0, T))
  x0 = points(jax.random.key(1), 2000)
  s, t = level.at(slice(None, -1)), level.at(slice(1, None))

  def term(s_t_key):
    s, t, key = s_t_key
    eps = jax.random.normal(key, x0.shape)
    predict = lambda x, t: processes.split(denoise(x, t), x, t, "x0")[1]
    weight = processes.elbo_weight(s, t)
    return 2 * processes.denoising_loss(predict, x0, eps, t, "eps", weight)  # D = 2.

  kls = jax.lax.map(term, (s, t, jax.random.split(jax.random.key(2), T - 1))).sum(0)
  z = processes.diffuse(x0, jax.random.normal(jax.random.key(4), x0.shape), level.at(0))
  # The decoder's term: the density of z at the first level, and the entropy of q(z | x_0).
  entropy = 2 * (0.5 * np.log(2 * np.pi * np.e) + jnp.log(level.sigma[0]))
  bound = -(processes.prior_kl(x0, level.at(-1)) + kls + entropy)
  gap = np.asarray(log_prob(z, level.at(0)) - bound)
  mean, error = gap.mean(), gap.std() / len(gap) ** 0.5
  assert mean > -3 * error
  assert {30: 0.1, 300: -1}[T] < mean < {30: 2, 300: 0.1}[T], (mean, error)
