"""The forward process against closed forms: marginals, posterior, bound, the five predictions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import processes as p, schedules
from genjax_zoo.prob.schedules import NoiseLevel

T = 100
rng = np.random.default_rng(0)
X0, EPS = rng.normal(size=(2, 6, 3))


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


def levels():
  return schedules.cosine(T)


def test_steps_of_the_chain_have_the_marginals():
  """Mean and variance of q(x_t | x_0), step by step, are alpha_t x_0 and sigma_t²."""
  level = levels()
  mean, var = X0, 0.0
  for t in range(1, T + 1):
    ratio, scale = p.transition(level.at(t - 1), level.at(t))
    mean, var = ratio * mean, ratio**2 * var + scale**2
    np.testing.assert_allclose(mean, p.diffuse(X0, 0 * EPS, level.at(t)), rtol=1e-9)
    np.testing.assert_allclose(var, level.at(t).sigma ** 2, rtol=1e-9)


@pytest.mark.parametrize("process", ["vp", "sub_vp", "ve", "flow"])
def test_the_posterior_is_bayes(process):
  """q(x_s | x_t, x_0) q(x_t | x_0) = q(x_t | x_s) q(x_s | x_0), at random points."""
  s, t = (getattr(schedules, process)(jnp.asarray(time)) for time in (0.3, 0.7))
  log_normal = lambda x, mean, var: -0.5 * (x - mean) ** 2 / var - 0.5 * np.log(2 * np.pi * var)
  x_s, x_t = rng.normal(size=(2, *X0.shape))
  mean, small, large = p.posterior(X0, x_t, s, t)
  ratio, scale = p.transition(s, t)
  left = log_normal(x_s, mean, small) + log_normal(x_t, t.alpha * X0, t.sigma**2)
  right = log_normal(x_t, ratio * x_s, scale**2) + log_normal(x_s, s.alpha * X0, s.sigma**2)
  np.testing.assert_allclose(left, right, rtol=1e-9)
  np.testing.assert_allclose(large, scale**2)


def test_the_posterior_mean_has_the_papers_forms():
  """Ho 2020, equations 7 and 11."""
  level = levels()
  for t in (2, 40, T):
    beta = 1 - (level.alpha[t] / level.alpha[t - 1]) ** 2
    abar = level.alpha[t] ** 2
    before = level.alpha[t - 1] ** 2
    x = p.diffuse(X0, EPS, level.at(t))
    mean, small, large = p.posterior(X0, x, level.at(t - 1), level.at(t))
    of_x0 = np.sqrt(before) * beta / (1 - abar)
    of_x = np.sqrt(1 - beta) * (1 - before) / (1 - abar)
    form7 = of_x0 * X0 + of_x * x
    form11 = (x - beta / np.sqrt(1 - abar) * EPS) / np.sqrt(1 - beta)
    np.testing.assert_allclose(mean, form7, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(mean, form11, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose([small, large], [(1 - before) / (1 - abar) * beta, beta], rtol=1e-8)


@pytest.mark.parametrize("source", p.SPLITS)
@pytest.mark.parametrize("kind", p.TARGETS)
@pytest.mark.parametrize("level", ["vp", "ve", "flow"])
def test_predictions_round_trip(source, kind, level):
  """Converted there and back, with a level for each example; and equal to the target."""
  t = getattr(schedules, level)(jnp.linspace(0.1, 0.9, len(X0)))
  x = p.diffuse(X0, EPS, t)
  value = p.target(X0, EPS, t, source)
  other = p.convert(value, x, t, source, kind)
  np.testing.assert_allclose(other, p.target(X0, EPS, t, kind), rtol=1e-6, atol=1e-8)
  np.testing.assert_allclose(p.convert(other, x, t, kind, source), value, rtol=1e-6, atol=1e-8)


def test_score_velocity_and_v_are_derivatives():
  t = schedules.vp(jnp.asarray(0.4))
  x = p.diffuse(X0, EPS, t)
  log_q = lambda x: -0.5 * jnp.sum(((x - t.alpha * X0) / t.sigma) ** 2)
  np.testing.assert_allclose(p.target(X0, EPS, t, "score"), jax.grad(log_q)(x), rtol=1e-9)
  line = lambda time: p.diffuse(X0, EPS, schedules.flow(time))
  velocity = jax.jvp(line, (jnp.asarray(0.3),), (jnp.ones(()),))[1]
  ours = p.target(X0, EPS, schedules.flow(0.3), "velocity")
  np.testing.assert_allclose(ours, velocity, rtol=1e-9)
  # v is the derivative by the angle of (alpha, sigma).
  angle = lambda phi: jnp.cos(phi) * X0 + jnp.sin(phi) * EPS
  v = jax.jvp(angle, (jnp.arcsin(t.sigma),), (jnp.ones(()),))[1]
  np.testing.assert_allclose(p.target(X0, EPS, t, "v"), v, rtol=1e-9)


def test_the_elbo_weight_is_the_kl():
  """weight |eps - eps_hat|² = KL(N(mean, small) || N(mean_hat, small)), means by `posterior`."""
  level = levels()
  for t in (2, 30, T):
    s_level, t_level = level.at(t - 1), level.at(t)
    x = p.diffuse(X0, EPS, t_level)
    eps_hat = EPS + rng.normal(size=EPS.shape)
    x0_hat, _ = p.split(eps_hat, x, t_level, "eps")
    mean, small, _ = p.posterior(X0, x, s_level, t_level)
    mean_hat, _, _ = p.posterior(x0_hat, x, s_level, t_level)
    kl = (mean - mean_hat) ** 2 / (2 * small)
    weight = p.elbo_weight(s_level, t_level)
    np.testing.assert_allclose(weight * (EPS - eps_hat) ** 2, kl, rtol=1e-8)


def test_weights_in_their_papers_forms():
  t = schedules.log_snr_level(jnp.linspace(-8, 8, 9))
  snr, sigma = t.alpha**2 / t.sigma**2, jnp.geomspace(0.01, 80, 9)
  np.testing.assert_allclose(p.min_snr_weight(t, 5) * snr, np.minimum(snr, 5))
  edm = p.edm_weight(NoiseLevel(jnp.ones(9), sigma), 0.5) / sigma**2
  np.testing.assert_allclose(edm, (sigma**2 + 0.25) / (0.5 * sigma) ** 2)


@pytest.mark.slow
def test_the_sum_of_kl_terms_is_the_closed_form_for_gaussian_data():
  """For data N(m, c) and the exact denoiser, E of the bound has a closed form; the gap is O(1 / T).

  E|x_0 - x0_hat|² = c sigma² / (alpha² c + sigma²), so that a term is (snr_s - snr_t) / 2 of it.
  The sum tends to the integral over snr of c / (1 + c snr) / 2 = log((1 + c snr_1) / (1 + c snr_T))
  / 2, from above.
  """
  m, c = 0.7, 0.3
  gaps = []
  for T in (50, 100, 200, 400):
    level = schedules.log_snr_level(jnp.linspace(9.0, -9.0, T))  # Levels 1 to T.
    s, t = level.at(slice(None, -1)), level.at(slice(1, None))
    error = c * t.sigma**2 / (t.alpha**2 * c + t.sigma**2)
    kls = p.elbo_weight(s, t) * t.snr * error
    x0 = m + np.sqrt(c) * np.random.default_rng(1).normal(size=(40_000, 1))
    eps = np.random.default_rng(2).normal(size=x0.shape)
    i = T // 2
    gain = c * t.alpha[i] / (t.alpha[i] ** 2 * c + t.sigma[i] ** 2)
    x0_hat = m + gain * (p.diffuse(x0, eps, t.at(i)) - t.alpha[i] * m)
    np.testing.assert_allclose(np.mean((x0 - x0_hat) ** 2), error[i], rtol=0.03)
    limit = 0.5 * jnp.log((1 + c * level.snr[0]) / (1 + c * level.snr[-1]))
    gaps.append(kls.sum() - limit)
  assert 0 < gaps[-1] < 0.1
  np.testing.assert_allclose(np.array(gaps[:-1]) / np.array(gaps[1:]), 2, rtol=0.1)  # As 1 / T.


@pytest.mark.slow
def test_the_whole_bound_of_gaussian_data_tends_to_the_entropy():
  """prior + sum of KLs + decoder, in closed form, is the entropy of N(0, c) and O(1 / T) more."""
  c = 0.3
  gaps = []
  mmse = lambda t: c * t.sigma**2 / (t.alpha**2 * c + t.sigma**2)
  for T in (500, 1000, 2000):
    level = schedules.log_snr_level(jnp.linspace(12.0, -12.0, T))
    s, t = level.at(slice(None, -1)), level.at(slice(1, None))
    kls = (p.elbo_weight(s, t) * t.snr * mmse(t)).sum()
    decoder = 0.5 * jnp.log(2 * jnp.pi * mmse(level.at(0))) + 0.5
    x0 = jnp.sqrt(c) * jnp.array([[-1.0], [1.0]])  # Enough: prior_kl is quadratic.
    bound = p.prior_kl(x0, level.at(-1)).mean() + kls + decoder
    gaps.append(bound - 0.5 * jnp.log(2 * jnp.pi * jnp.e * c))
  assert 0 < gaps[-1] < 0.05
  np.testing.assert_allclose(np.array(gaps[:-1]) / np.array(gaps[1:]), 2, rtol=0.02)


def test_prior_kl_by_monte_carlo():
  t = NoiseLevel(jnp.asarray(0.4), jnp.asarray(0.8))
  x = 0.4 * X0[0][None] + 0.8 * np.random.default_rng(3).normal(size=(200_000, 3))
  log_q = -0.5 * ((x - 0.4 * X0[0][None]) / 0.8) ** 2 - np.log(0.8)
  kl = (log_q + 0.5 * x**2).sum(-1).mean()
  np.testing.assert_allclose(p.prior_kl(X0[:1], t)[0], kl, rtol=0.02)
