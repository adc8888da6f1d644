"""Noise schedules: how much signal and how much noise is left along x_t = alpha_t x_0 + sigma_t
eps, eps ~ N(0, I).

All that sampling and losses need of a point on the way is its `NoiseLevel` (alpha, sigma). Schedules in
discrete time return T + 1 of them, from data, alpha_0 = 1 and sigma_0 = 0, to noise; alpha² is the
papers' abar. Those in continuous time are functions of t, from data at 0 to noise at 1.

The deck (B, line 578) has the cosine schedule without its offset and without a bound on beta; it
says (A, lines 962 and 977) abar_t = prod_{i=1}^T (1 - beta_i), where the product ends at t.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class NoiseLevel(NamedTuple):
  """x = alpha x_0 + sigma eps: numbers, arrays [B] with an entry an example, or arrays of levels on
  the way.
  """

  alpha: jax.Array
  sigma: jax.Array

  @property
  def snr(self):
    """(alpha / sigma)²."""
    return (self.alpha / self.sigma) ** 2

  @property
  def log_snr(self):
    """log (alpha / sigma)²; infinite for data."""
    return 2 * (jnp.log(self.alpha) - jnp.log(self.sigma))

  def at(self, index) -> "NoiseLevel":
    """The levels at an index, or at indices, of the first axis."""
    return NoiseLevel(self.alpha[index], self.sigma[index])


def from_beta(beta) -> NoiseLevel:
  """Levels [T + 1] of the chain x_t = sqrt(1 - beta_t) x_{t-1} + sqrt(beta_t) eps of beta [T], a
  NumPy array.

  abar_t = prod_{i <= t} (1 - beta_i) in double precision: 1 - abar_1 is about 1e-5, which float32
  would blur.
  """
  log_abar = np.concatenate([[0.0], np.cumsum(np.log1p(-np.asarray(beta, np.float64)))])
  return NoiseLevel(jnp.asarray(np.exp(log_abar / 2)), jnp.asarray(np.sqrt(-np.expm1(log_abar))))


def linear(T: int, first: float = 1e-4, last: float = 0.02, most: float = 0.999) -> NoiseLevel:
  """Levels [T + 1], beta rising linearly (Ho 2020, arXiv:2006.11239, section 4).

  `first` and `last` are those of 1,000 steps; other T have 1000 / T times as much noise a step, so
  that abar_T, about 4e-5, stays. No beta is above `most`.
  """
  return from_beta(np.minimum(np.linspace(first, last, T) * 1000 / T, most))


def quadratic(T: int, first: float = 1e-4, last: float = 0.02, most: float = 0.999) -> NoiseLevel:
  """Levels [T + 1], sqrt(beta) rising linearly ("quad" in the code of Ho 2020); arguments as of
  `linear`.
  """
  return from_beta(np.minimum(np.linspace(first**0.5, last**0.5, T) ** 2 * 1000 / T, most))


def cosine(T: int, offset: float = 0.008, most: float = 0.999) -> NoiseLevel:
  """Levels [T + 1] with abar_t = f(t) / f(0), f(t) = cos²(pi/2 (t / T + offset) / (1 + offset)).

  Every beta_t = 1 - abar_t / abar_{t-1} is at most `most` (Nichol & Dhariwal 2021,
  arXiv:2102.09672, equation 17).
  """
  f = np.cos(np.pi / 2 * (np.arange(T + 1) / T + offset) / (1 + offset)) ** 2
  return from_beta(np.minimum(1 - f[1:] / f[:-1], most))


DISCRETE = "linear", "quadratic", "cosine"


def respaced(levels: NoiseLevel, steps: int) -> NoiseLevel:
  """steps + 1 of T + 1 levels, from noise to data: those nearest to t = T i / steps, i = steps,
  ..., 0.

  What samplers take. Raises ValueError for more steps than T.
  """
  T = len(levels.sigma) - 1
  if steps > T:
    raise ValueError(f"{steps} different steps can't be taken of {T}")
  return levels.at(np.rint(T * np.arange(steps, -1, -1) / steps).astype(int))


def ending_in_data(level: NoiseLevel) -> NoiseLevel:
  """Levels [N] and, behind them, the data: alpha = 1, sigma = 0."""
  return NoiseLevel(jnp.append(level.alpha, 1.0), jnp.append(level.sigma, 0.0))


def log_snr_level(log_snr) -> NoiseLevel:
  """The level of this log-SNR at which alpha² + sigma² = 1."""
  return NoiseLevel(jnp.sqrt(jax.nn.sigmoid(log_snr)), jnp.sqrt(jax.nn.sigmoid(-log_snr)))


def vp(t, low: float = 0.1, high: float = 20.0) -> NoiseLevel:
  """The variance-preserving SDE at t, beta(t) = low + t (high - low) (Song 2020, arXiv:2011.13456,
  equation 33).

  log alpha² = -int_0^t beta(s) ds, sigma² = 1 - alpha².
  """
  log_abar = -(low * t + (high - low) * t**2 / 2)
  return NoiseLevel(jnp.exp(log_abar / 2), jnp.sqrt(-jnp.expm1(log_abar)))


def sub_vp(t, low: float = 0.1, high: float = 20.0) -> NoiseLevel:
  """The sub-VP SDE at t: alpha of `vp`, sigma = 1 - alpha² (Song 2020, equation 29)."""
  alpha, sigma = vp(t, low, high)
  return NoiseLevel(alpha, sigma**2)


def ve(t, low: float = 0.01, high: float = 50.0) -> NoiseLevel:
  """The variance-exploding SDE at t: alpha = 1, sigma = low (high / low)^t (Song 2020, equation
  31).
  """
  sigma = low * (high / low) ** t
  return NoiseLevel(jnp.ones_like(sigma), sigma)


def flow(t) -> NoiseLevel:
  """The straight line from data to noise: alpha = 1 - t, sigma = t (Liu 2022, arXiv:2209.03003)."""
  return NoiseLevel(1 - t, t)


def edm(steps: int, low: float = 0.002, high: float = 80.0, rho: float = 7.0) -> NoiseLevel:
  """steps + 1 levels from noise to data, alpha = 1 (Karras 2022, arXiv:2206.00364, equation 5).

  sigma_i = (high^(1/rho) + i / (steps - 1) (low^(1/rho) - high^(1/rho)))^rho for i < steps, and 0
  at the end.
  """
  sigma = np.append(np.linspace(high ** (1 / rho), low ** (1 / rho), steps) ** rho, 0.0)
  return NoiseLevel(jnp.ones(steps + 1), jnp.asarray(sigma))
