"""Samplers of diffusion models: from noise to data along given levels, one `lax.scan` each.

All have the form `sampler(denoise, x, levels, key) -> x`:

  denoise(x, level) -> x0_hat, the mean of x_0 given x [B, ...] = alpha x_0 + sigma eps at level (alpha, sigma)
  x                    noise of the first level, sigma_0 eps where alpha_0 is nearly 0
  levels               NoiseLevel of arrays [N + 1], from noise to data; the last sigma may be 0

and x0_hat fixes eps_hat = (x - alpha x0_hat) / sigma. As alpha and sigma change, x moves with the
probability-flow ODE (Song 2020, arXiv:2011.13456), whatever the time in which they do:

  dx = x0_hat dalpha + eps_hat dsigma

`denoise` is never called at the last level, and a step that ends at sigma = 0 adds no noise (the
deck's Algorithm 2, C, adds it always). Guidance, clipping and the kind of prediction are inside
`denoise`.
"""

from collections.abc import Callable

import jax
from jax import lax
import jax.numpy as jnp

from genjax_zoo.prob.processes import diffuse, posterior, transition
from genjax_zoo.prob.schedules import NoiseLevel


def walk(step, carry, levels: NoiseLevel, key):
  """Scans carry = step(carry, t, s, key) over the neighbours t, s of `levels`."""
  n = len(levels.sigma) - 1
  inputs = levels.at(slice(None, -1)), levels.at(slice(1, None)), jax.random.split(key, n)
  return lax.scan(lambda carry, ts_key: (step(carry, *ts_key), None), carry, inputs)[0]


def noise_of(x, x0, t: NoiseLevel):
  """eps_hat."""
  return (x - t.alpha * x0) / t.sigma


def ancestral_step(denoise, x, t: NoiseLevel, s: NoiseLevel, key, variance: str | Callable):
  """x_s ~ N(mean of q(x_s | x_t, x0_hat), variance I); the mean at sigma_s = 0.

  `variance` is "small", "large", or v(x, t), for large^v small^(1 - v) (Nichol & Dhariwal 2021,
  2102.09672).
  """
  mean, small, large = posterior(denoise(x, t), x, s, t)
  if callable(variance):
    v = variance(x, t)
    between = jnp.exp(v * jnp.log(large) + (1 - v) * jnp.log(jnp.where(s.sigma > 0, small, large)))
  else:
    between = {"small": small, "large": large}[variance]
  chosen = jnp.where(s.sigma > 0, between, 0)
  return mean + jnp.sqrt(chosen) * jax.random.normal(key, x.shape, x.dtype)


def ancestral(denoise, x, levels: NoiseLevel, key, variance: str | Callable = "small"):
  """The reverse chain, `variance` that of `ancestral_step` (Ho 2020, arXiv:2006.11239, Algorithm
  2).
  """
  return walk(lambda x, t, s, key: ancestral_step(denoise, x, t, s, key, variance), x, levels, key)


def ddim(denoise, x, levels: NoiseLevel, key, eta=0.0):
  """x_s = alpha_s x0_hat + sqrt(sigma_s² - d²) eps_hat + d eps, d² = eta² small (Song 2020,
  2010.02502, equation 12).

  eta = 1 is `ancestral`; eta = 0 has no noise and is the Euler step of the ODE in (alpha, sigma).
  """

  def step(x, t, s, key):
    x0 = denoise(x, t)
    spread = eta * jnp.sqrt(posterior(x0, x, s, t)[1])
    rest = jnp.sqrt(jnp.maximum(s.sigma**2 - spread**2, 0))
    return (
      s.alpha * x0 + rest * noise_of(x, x0, t) + spread * jax.random.normal(key, x.shape, x.dtype)
    )

  return walk(step, x, levels, key)


def renoise(denoise, x, levels: NoiseLevel, key):
  """x_s = alpha_s x0_hat + sigma_s eps, all noise new at every step (Song 2023, arXiv:2303.01469,
  Algorithm 1).
  """
  draw = lambda x, t, s, key: (
    s.alpha * denoise(x, t) + s.sigma * jax.random.normal(key, x.shape, x.dtype)
  )
  return walk(draw, x, levels, key)


def heun(denoise, x, levels: NoiseLevel, key):
  """The trapezoidal rule for the ODE: of order 2, two evaluations a step (Karras 2022, 2206.00364,
  Algorithm 1).

  A step that ends at sigma = 0 is Euler's, as there.
  """

  def step(x, t, s, key):
    x0 = denoise(x, t)
    eps = noise_of(x, x0, t)
    euler = x + (s.alpha - t.alpha) * x0 + (s.sigma - t.sigma) * eps

    def correct():
      x0_s = denoise(euler, s)
      eps_s = noise_of(euler, x0_s, s)
      return x + (s.alpha - t.alpha) * (x0 + x0_s) / 2 + (s.sigma - t.sigma) * (eps + eps_s) / 2

    return lax.cond(s.sigma > 0, correct, lambda: euler)

  return walk(step, x, levels, key)


def dpm_solver(denoise, x, levels: NoiseLevel, key, order: int = 2):
  """DPM-Solver++ 2M: of order 2, one evaluation a step (Lu 2022, arXiv:2211.01095, Algorithm 2).

  With h = lambda_s - lambda_t, lambda = log(alpha / sigma), and x0_hat extrapolated from this step
  and the last:

    x_s = sigma_s / sigma_t x_t - alpha_s (exp(-h) - 1) (x0_hat + h / (2 h_last) (x0_hat - x0_last))

  Of order 1, x0_hat alone, it is `ddim`; so are its first step, one after alpha = 0, and one to
  sigma = 0.
  """

  def step(carry, t, s, key):
    x, last, h_last = carry
    x0 = denoise(x, t)
    h = (s.log_snr - t.log_snr) / 2
    ahead = (
      jnp.where((s.sigma > 0) & jnp.isfinite(h_last), h / (2 * h_last), 0) if order == 2 else 0.0
    )
    mixed = x0 + ahead * (x0 - last)
    return s.sigma / t.sigma * x - s.alpha * jnp.expm1(-h) * mixed, x0, h

  return walk(step, (x, jnp.zeros_like(x), jnp.full_like(levels.sigma[0], jnp.inf)), levels, key)[0]


def dpm_solver_single(denoise, x, levels: NoiseLevel, key):
  """DPM-Solver++ 2S: of order 2 as `dpm_solver`, without memory of the last step (Lu 2022,
  Algorithm 1).

  A step goes from t to s by way of a level m between, so that it takes `levels` two at a time:

    u = sigma_m / sigma_t x_t - alpha_m (exp(-r h) - 1) x0_hat(x_t, t) x_s = sigma_s / sigma_t x_t -
    alpha_s (exp(-h) - 1) ((1 - 1 / (2 r)) x0_hat(x_t, t) + 1 / (2 r) x0_hat(u, m))

  with h = lambda_s - lambda_t and r h = lambda_m - lambda_t; r = 1 from alpha = 0. A step that ends
  at sigma = 0 returns x0_hat(u, m). Raises ValueError for an odd number of steps.
  """
  if len(levels.sigma) % 2 == 0:
    raise ValueError(
      f"dpm_solver_single takes steps two at a time, and there are {len(levels.sigma) - 1}"
    )

  def step(x, t_m_s):
    t, m, s = t_m_s
    x0 = denoise(x, t)
    h, rh = (s.log_snr - t.log_snr) / 2, (m.log_snr - t.log_snr) / 2
    u = m.sigma / t.sigma * x - m.alpha * jnp.expm1(-rh) * x0
    ahead = jnp.where(s.sigma > 0, jnp.where(jnp.isfinite(rh), h / (2 * rh), 0.5), 1.0)
    return s.sigma / t.sigma * x - s.alpha * jnp.expm1(-h) * (
      x0 + ahead * (denoise(u, m) - x0)
    ), None

  triples = levels.at(slice(None, -2, 2)), levels.at(slice(1, -1, 2)), levels.at(slice(2, None, 2))
  return lax.scan(step, x, triples)[0]


def euler_maruyama(denoise, x, levels: NoiseLevel, key):
  """The reverse SDE by steps of Euler and Maruyama (Song 2020, arXiv:2011.13456, equation 6).

    dx = x0_hat dalpha + eps_hat dsigma - sigma eps_hat dlambda + sigma sqrt(2 dlambda) eps

  with lambda = log(alpha / sigma). A step from alpha = 0 or to sigma = 0, where lambda is infinite,
  is the ODE's.
  """

  def step(x, t, s, key):
    x0 = denoise(x, t)
    eps = noise_of(x, x0, t)
    h = jnp.where((t.alpha > 0) & (s.sigma > 0), (s.log_snr - t.log_snr) / 2, 0)
    drift = (s.alpha - t.alpha) * x0 + (s.sigma - t.sigma - t.sigma * h) * eps
    return x + drift + t.sigma * jnp.sqrt(2 * h) * jax.random.normal(key, x.shape, x.dtype)

  return walk(step, x, levels, key)


def langevin_step(denoise, x, t: NoiseLevel, key, size):
  """x + d/2 score + sqrt(d) eps, d = size sigma²: a step of Langevin dynamics, which keeps p(x_t)
  as `size` falls.
  """
  eps = noise_of(x, denoise(x, t), t)
  return (
    x
    - size / 2 * t.sigma * eps
    + jnp.sqrt(size) * t.sigma * jax.random.normal(key, x.shape, x.dtype)
  )


def annealed_langevin(denoise, x, levels: NoiseLevel, key, repeats: int = 10, size=0.2):
  """`repeats` steps of Langevin dynamics at each level but the last, and then x0_hat (Song 2019,
  arXiv:1907.05600).

  A step has the variance size sigma² (the paper's epsilon = size sigma_L²). From level to level x
  grows with alpha, if there is any. The step to the last level is `ddim`'s: left out, the noise of
  the last but one is in the samples (2009.05475).
  """

  def step(x, t, s, key):
    x = langevin_step(denoise, x, t, key, size)
    return jnp.where(t.alpha > 0, s.alpha / t.alpha, 1) * x

  *_, last, data = range(len(levels.sigma))
  again = jnp.repeat(jnp.arange(data), repeats)
  x = walk(step, x, levels.at(jnp.append(again, last)), key)
  return ddim(denoise, x, levels.at(jnp.array([last, data])), key)


def predictor_corrector(
  denoise, x, levels: NoiseLevel, key, variance: str | Callable = "small", size=0.05
):
  """A step of `ancestral`, then one of Langevin dynamics at the new level (Song 2020,
  arXiv:2011.13456, Algorithm 1).

  The corrector's variance is size sigma². The paper's is 2 (r |z| / |score|)², about 2 r² sigma²:
  0.05 is r = 0.16. None is taken at sigma = 0.
  """

  def step(x, t, s, key):
    k_predict, k_correct = jax.random.split(key)
    x = ancestral_step(denoise, x, t, s, k_predict, variance)
    return lax.cond(s.sigma > 0, lambda: langevin_step(denoise, x, s, k_correct, size), lambda: x)

  return walk(step, x, levels, key)


def repaint(denoise, x, levels: NoiseLevel, key, known, mask, repeats: int = 10):
  """`ancestral`, held to x_0 = `known` where `mask` is 1 (Lugmayr 2022, RePaint, arXiv:2201.09865,
  Algorithm 1).

  At each level the known part is a draw of q(x_s | x_0); the rest, drawn from p(x_s | x_t), has not
  seen it. So x_s is diffused back to t and drawn again, `repeats` times in all, until both parts
  agree.
  """

  def step(x, t, s, key):
    def once(x, i_key):
      i, key = i_key
      k_step, k_known, k_back = jax.random.split(key, 3)
      drawn = ancestral_step(denoise, x, t, s, k_step, "small")
      held = diffuse(known, jax.random.normal(k_known, x.shape, x.dtype), s)
      x_s = jnp.where(mask, held, drawn)
      again = diffuse(x_s, jax.random.normal(k_back, x.shape, x.dtype), transition(s, t))
      return jnp.where(i < repeats - 1, again, x_s), None

    return lax.scan(once, x, (jnp.arange(repeats), jax.random.split(key, repeats)))[0]

  return walk(step, x, levels, key)


def evaluations(name: str, steps: int, repeats: int = 10, **options) -> int:
  """How often the sampler of this name calls `denoise` on the way along steps + 1 levels, the last
  with sigma = 0.
  """
  twice = 2 * steps - 1
  known = {"heun": twice, "predictor_corrector": twice, "annealed_langevin": repeats * steps + 1}
  return known.get(name, steps)
