"""Schedules: their ends, their papers' formulas, and the SDEs whose marginals they are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import schedules

DISCRETE = schedules.linear, schedules.quadratic, schedules.cosine


@pytest.mark.parametrize("schedule", DISCRETE)
@pytest.mark.parametrize("T", [50, 200, 1000])
def test_from_data_to_noise(schedule, T):
  level = schedule(T)
  alpha, sigma = np.asarray(level.alpha), np.asarray(level.sigma)
  assert alpha.shape == sigma.shape == (T + 1,)
  assert alpha[0] == 1 and sigma[0] == 0 and 0 < alpha[-1] ** 2 < 1e-3 and (sigma[1:] > 0).all()
  assert (np.diff(alpha) < 0).all() and (np.diff(sigma) >= 0).all()
  np.testing.assert_allclose(alpha**2 + sigma**2, 1, rtol=1e-6)


def test_linear_is_the_papers():
  beta = np.linspace(1e-4, 0.02, 1000)
  level = schedules.linear(1000)
  abar = np.cumprod(1 - beta)
  np.testing.assert_allclose(level.alpha[1:] ** 2, abar, rtol=1e-5)
  # Single precision, also where it is 1e-4.
  np.testing.assert_allclose(level.sigma[1:] ** 2, 1 - abar, rtol=1e-5)
  quad = np.linspace(1e-2, 0.02**0.5, 1000) ** 2
  np.testing.assert_allclose(
    schedules.quadratic(1000).alpha[1:] ** 2, np.cumprod(1 - quad), rtol=1e-5
  )


def test_cosine_has_its_offset_and_its_bound():
  """Without the offset beta_1 would be 2.5e-6, not 4.1e-5; without the bound beta_T would be 1."""
  level = schedules.cosine(1000)
  beta = 1 - (np.float64(level.alpha[1:]) / np.float64(level.alpha[:-1])) ** 2
  np.testing.assert_allclose(level.sigma[1] ** 2, 4.1e-5, rtol=0.02)
  np.testing.assert_allclose(beta[-1], 0.999, rtol=1e-5)
  np.testing.assert_allclose(schedules.cosine(1000, offset=0.0).sigma[1] ** 2, 2.5e-6, rtol=0.02)
  t = np.arange(1, 990)
  f = lambda t: np.cos((t / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2
  np.testing.assert_allclose(level.alpha[t] ** 2, f(t) / f(0), rtol=1e-5)


@pytest.mark.parametrize("T, steps", [(1000, 50), (1000, 30), (100, 100)])
def test_respaced_goes_from_noise_to_data(T, steps):
  level = schedules.cosine(T)
  some = schedules.respaced(level, steps)
  assert len(some.sigma) == steps + 1 and (np.diff(some.alpha) > 0).all()
  assert some.alpha[0] == level.alpha[-1] and some.sigma[-1] == 0
  assert np.isin(some.alpha, level.alpha).all()


def test_too_many_steps_are_refused():
  with pytest.raises(ValueError, match="101"):
    schedules.respaced(schedules.cosine(100), 101)


@pytest.mark.parametrize("t", [0.1, 0.5, 1.0])
def test_sdes_by_their_moments(t):
  """For dx = f x dt + g dw, d log alpha / dt = f and d sigma² / dt = 2 f sigma² + g²."""
  with jax.enable_x64(True):
    beta = 0.1 + t * 19.9
    ratio = np.log(50 / 0.01)
    sub = 1 - np.exp(-2 * (0.1 * t + 19.9 * t**2 / 2))  # Song 2020, equation 28.
    papers = {  # (f, g²)
      schedules.vp: (-beta / 2, beta),
      schedules.sub_vp: (-beta / 2, beta * sub),
      schedules.ve: (0, 2 * ratio * (0.01 * 5000**t) ** 2),
    }
    for process, (f, g2) in papers.items():
      value, rate = jax.jvp(process, (jnp.asarray(t),), (jnp.ones(()),))
      np.testing.assert_allclose(rate.alpha / value.alpha, f, rtol=1e-9, atol=1e-12)
      variance_rate = 2 * value.sigma * rate.sigma
      np.testing.assert_allclose(variance_rate - 2 * f * value.sigma**2, g2, rtol=1e-9)


def test_log_snr_is_inverted():
  with jax.enable_x64(True):
    log_snr = jnp.linspace(-15, 15, 31)
    level = schedules.log_snr_level(log_snr)
    np.testing.assert_allclose(level.log_snr, log_snr, atol=1e-9)
    np.testing.assert_allclose(level.alpha**2 + level.sigma**2, 1)


def test_snr_is_the_squared_ratio():
  level = schedules.NoiseLevel(jnp.array([0.6, 0.5, 1.0]), jnp.array([0.8, 2.0, 1.0]))
  np.testing.assert_allclose(level.snr, [0.5625, 0.0625, 1], rtol=1e-6)
  np.testing.assert_allclose(level.log_snr, np.log([0.5625, 0.0625, 1]), rtol=1e-6)
  np.testing.assert_allclose(level.at(1), [0.5, 2.0])


def test_straight_lines_end_in_noise_and_in_data():
  alpha, sigma = schedules.flow(np.array([0.0, 0.25, 1.0]))
  np.testing.assert_array_equal(alpha, [1, 0.75, 0])
  np.testing.assert_array_equal(sigma, [0, 0.25, 1])
  ended = schedules.ending_in_data(schedules.flow(jnp.array([1.0, 0.25])))
  np.testing.assert_array_equal(ended.alpha, [0, 0.75, 1])
  np.testing.assert_array_equal(ended.sigma, [1, 0.25, 0])


def test_respaced_levels_are_the_nearest():
  levels = schedules.cosine(10)
  np.testing.assert_array_equal(
    schedules.respaced(levels, 4).alpha, levels.alpha[jnp.array([10, 8, 5, 2, 0])]
  )


def test_edm_sigmas():
  level = schedules.edm(18)
  i = np.arange(18)
  sigma = (80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
  np.testing.assert_allclose(level.sigma, np.append(sigma, 0), rtol=1e-5)
  np.testing.assert_allclose(level.alpha, 1)
