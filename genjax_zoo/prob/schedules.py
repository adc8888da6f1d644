"""Noise schedules: the levels (alpha, sigma) of x_t = alpha_t x_0 + sigma_t eps, eps ~ N(0, I).

Schedules in discrete time return the T + 1 levels of a chain, from data, alpha_0 = 1 and sigma_0 =
0, to noise; alpha² is the papers' abar. Schedules in continuous time are functions of t, from data
at 0 to noise at 1. Samplers take levels the other way round, from noise to data: see `respaced`.

Errata of the slides: docs/errata.md#schedules
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class NoiseLevel(NamedTuple):
  """One or more noise levels of x = alpha x_0 + sigma eps; both entries have the same shape.

  [] is one level, [B] has one for each example, [T + 1] is a schedule.
  """

  alpha: jax.Array  # The factor of the data.
  sigma: jax.Array  # The standard deviation of the noise.

  @property
  def snr(self):
    """(alpha / sigma)²."""
    return (self.alpha / self.sigma) ** 2

  @property
  def log_snr(self):
    """log (alpha / sigma)²: +inf at data, sigma = 0, and -inf at pure noise, alpha = 0."""
    return 2 * (jnp.log(self.alpha) - jnp.log(self.sigma))

  def at(self, index) -> "NoiseLevel":
    """The levels at an index, a slice or an array of indices of the first axis."""
    return NoiseLevel(self.alpha[index], self.sigma[index])


def from_beta(beta) -> NoiseLevel:
  """Levels [T + 1] of the chain x_t = sqrt(1 - beta_t) x_{t-1} + sqrt(beta_t) eps, beta [T].

  alpha_t² = abar_t = prod_{i <= t} (1 - beta_i). NumPy computes it in double precision: sigma_1²,
  1 - abar_1, is 1e-4 or less, of which float32 would keep three digits.
  """
  log_ratios = np.log1p(-np.asarray(beta, np.float64))
  log_abar = np.concatenate([[0.0], np.cumsum(log_ratios)])
  alpha = np.exp(log_abar / 2)
  sigma = np.sqrt(-np.expm1(log_abar))
  return NoiseLevel(jnp.asarray(alpha), jnp.asarray(sigma))


def linear(T: int, first: float = 1e-4, last: float = 0.02, most: float = 0.999) -> NoiseLevel:
  """Levels [T + 1] with beta increasing linearly (Ho 2020, arXiv:2006.11239, section 4).

  `first` and `last` are the ends of beta for T = 1000; for other T beta is multiplied by 1000 / T,
  so that abar_T remains about 4e-5. No beta is above `most`.
  """
  beta = np.linspace(first, last, T) * 1000 / T
  return from_beta(np.minimum(beta, most))  # For T <= 20 beta would reach 1.


def quadratic(T: int, first: float = 1e-4, last: float = 0.02, most: float = 0.999) -> NoiseLevel:
  """Levels [T + 1] with sqrt(beta) increasing linearly, "quad" in the code of Ho 2020.

  The arguments are those of `linear`.
  """
  beta = np.linspace(first**0.5, last**0.5, T) ** 2 * 1000 / T
  return from_beta(np.minimum(beta, most))


def cosine(T: int, offset: float = 0.008, most: float = 0.999) -> NoiseLevel:
  """Levels [T + 1] with abar_t = f(t) / f(0), f(t) = cos²(pi/2 (t / T + offset) / (1 + offset)).

  Every beta_t = 1 - abar_t / abar_{t-1} is at most `most` (Nichol & Dhariwal 2021,
  arXiv:2102.09672, equation 17).
  """
  t = np.arange(T + 1) / T
  f = np.cos(np.pi / 2 * (t + offset) / (1 + offset)) ** 2
  beta = 1 - f[1:] / f[:-1]
  return from_beta(np.minimum(beta, most))  # The last f is 0, so the last beta would be 1.


DISCRETE = "linear", "quadratic", "cosine"  # The schedules above, by name.


def respaced(levels: NoiseLevel, steps: int) -> NoiseLevel:
  """steps + 1 of T + 1 levels, from noise to data, as samplers take them.

  Those nearest to t = T i / steps, i = steps, ..., 0. Raises ValueError if steps > T.
  """
  T = len(levels.sigma) - 1
  if steps > T:
    raise ValueError(f"{steps} different steps can't be taken of {T}")
  t = np.rint(T * np.arange(steps, -1, -1) / steps).astype(int)
  return levels.at(t)


def ending_in_data(level: NoiseLevel) -> NoiseLevel:
  """Levels [N + 1]: those given, [N], and after them the data, alpha = 1, sigma = 0."""
  return NoiseLevel(jnp.append(level.alpha, 1.0), jnp.append(level.sigma, 0.0))


def log_snr_level(log_snr) -> NoiseLevel:
  """The level of this log SNR = log (alpha / sigma)² with alpha² + sigma² = 1."""
  alpha = jnp.sqrt(jax.nn.sigmoid(log_snr))
  sigma = jnp.sqrt(jax.nn.sigmoid(-log_snr))
  return NoiseLevel(alpha, sigma)


def vp(t, low: float = 0.1, high: float = 20.0) -> NoiseLevel:
  """The level at t of the variance-preserving SDE with beta(t) = low + t (high - low).

  log alpha² = -int_0^t beta(s) ds, sigma² = 1 - alpha² (Song 2020, arXiv:2011.13456, equation 33).
  """
  log_abar = -(low * t + (high - low) * t**2 / 2)
  return NoiseLevel(jnp.exp(log_abar / 2), jnp.sqrt(-jnp.expm1(log_abar)))


def sub_vp(t, low: float = 0.1, high: float = 20.0) -> NoiseLevel:
  """The level at t of the sub-VP SDE: alpha of `vp`, sigma = 1 - alpha² (Song, equation 29)."""
  alpha, sigma = vp(t, low, high)
  return NoiseLevel(alpha, sigma**2)


def ve(t, low: float = 0.01, high: float = 50.0) -> NoiseLevel:
  """The level at t of the variance-exploding SDE: alpha = 1, sigma = low (high / low)^t.

  (Song 2020, equation 31.) At t = 0 it is `low`, not 0.
  """
  sigma = low * (high / low) ** t
  return NoiseLevel(jnp.ones_like(sigma), sigma)


def flow(t) -> NoiseLevel:
  """The level at t on straight lines from data to noise, alpha = 1 - t, sigma = t.

  (Rectified flow, Liu 2022, arXiv:2209.03003.)
  """
  return NoiseLevel(1 - t, t)


def edm(steps: int, low: float = 0.002, high: float = 80.0, rho: float = 7.0) -> NoiseLevel:
  """Levels [steps + 1] from noise to data, alpha = 1 (Karras 2022, arXiv:2206.00364, equation 5).

  sigma_i = (high^(1/rho) + i / (steps - 1) (low^(1/rho) - high^(1/rho)))^rho for i < steps, and the
  last sigma is 0.
  """
  sigma = np.linspace(high ** (1 / rho), low ** (1 / rho), steps) ** rho
  sigma = np.append(sigma, 0.0)
  return NoiseLevel(jnp.ones(steps + 1), jnp.asarray(sigma))
