"""Samplers of diffusion models: from noise to data along given noise levels, one `lax.scan` each.

All have the form `sampler(denoise, x, levels, key) -> x`:

  denoise(x, level) -> x0_hat, the mean of x_0 given x = alpha x_0 + sigma eps, both [B, ...]
  x                    a sample at the first level: sigma_0 eps where alpha_0 is nearly 0
  levels               a NoiseLevel of arrays [N + 1], from noise to data; the last sigma may be 0

x0_hat determines eps_hat = (x - alpha x0_hat) / sigma. As alpha and sigma change, x follows the
probability-flow ODE (Song 2020, arXiv:2011.13456), whatever the time that parametrizes them:

  dx = x0_hat dalpha + eps_hat dsigma

`denoise` is never called at the last level, and a step that ends at sigma = 0 adds no noise.
Guidance, clipping and the conversion of what a network predicts are all inside `denoise`. In every
formula t is the level where a step starts, and s the less noisy level where it ends.

Errata of the slides: docs/errata.md#samplers
"""

from collections.abc import Callable

import jax
from jax import lax
import jax.numpy as jnp

from genjax_zoo.prob.processes import diffuse, posterior, transition
from genjax_zoo.prob.schedules import NoiseLevel


def walk(step, carry, levels: NoiseLevel, key):
  """The carry after carry = step(carry, t, s, key) for all pairs t, s of neighbours in `levels`."""
  n = len(levels.sigma) - 1
  starts = levels.at(slice(None, -1))
  ends = levels.at(slice(1, None))

  def body(carry, inputs):
    t, s, key = inputs
    return step(carry, t, s, key), None

  return lax.scan(body, carry, (starts, ends, jax.random.split(key, n)))[0]


def noise_of(x, x0, t: NoiseLevel):
  """eps_hat, the noise in x = alpha x_0 + sigma eps when x_0 is x0."""
  return (x - t.alpha * x0) / t.sigma


def ancestral_step(denoise, x, t: NoiseLevel, s: NoiseLevel, key, variance: str | Callable):
  """A sample of p(x_s | x_t) = N(mean of q(x_s | x_t, x0_hat), variance I).

  `variance` is "small" or "large", those of `posterior`, or a function v(x, t) for the learned
  large^v small^(1 - v) (Nichol & Dhariwal 2021, arXiv:2102.09672). At sigma_s = 0 the mean, x0_hat.
  """
  mean, small, large = posterior(denoise(x, t), x, s, t)
  if callable(variance):
    v = variance(x, t)
    # At sigma_s = 0 `small` is 0 and has no logarithm; whatever stands in is replaced by 0 below.
    log_small = jnp.log(jnp.where(s.sigma > 0, small, large))
    value = jnp.exp(v * jnp.log(large) + (1 - v) * log_small)
  else:
    value = {"small": small, "large": large}[variance]
  # The step to data has no noise, though `large` is not 0 there.
  value = jnp.where(s.sigma > 0, value, 0)
  noise = jax.random.normal(key, x.shape, x.dtype)
  return mean + jnp.sqrt(value) * noise


def ancestral(denoise, x, levels: NoiseLevel, key, variance: str | Callable = "small"):
  """Samples of the reverse chain, by `ancestral_step` (Ho 2020, arXiv:2006.11239, Algorithm 2)."""

  def step(x, t, s, key):
    return ancestral_step(denoise, x, t, s, key, variance)

  return walk(step, x, levels, key)


def ddim(denoise, x, levels: NoiseLevel, key, eta=0.0):
  """Samples by DDIM (Song 2020, arXiv:2010.02502, equation 12).

    x_s = alpha_s x0_hat + sqrt(sigma_s² - d²) eps_hat + d eps,  d² = eta² small

  with `small` that of `posterior`. eta = 1 is `ancestral`; eta = 0 has no noise and is the Euler
  step of the ODE in (alpha, sigma).
  """

  def step(x, t, s, key):
    x0 = denoise(x, t)
    _, small, _ = posterior(x0, x, s, t)
    d = eta * jnp.sqrt(small)
    # d² is at most sigma_s², and equal to it where alpha_t = 0 and eta = 1, up to rounding.
    rest = jnp.sqrt(jnp.maximum(s.sigma**2 - d**2, 0))
    noise = jax.random.normal(key, x.shape, x.dtype)
    return s.alpha * x0 + rest * noise_of(x, x0, t) + d * noise

  return walk(step, x, levels, key)


def renoise(denoise, x, levels: NoiseLevel, key):
  """Samples by x_s = alpha_s x0_hat + sigma_s eps, with fresh noise at every step.

  (Song 2023, arXiv:2303.01469, Algorithm 1: multistep sampling of consistency models.)
  """

  def step(x, t, s, key):
    noise = jax.random.normal(key, x.shape, x.dtype)
    return s.alpha * denoise(x, t) + s.sigma * noise

  return walk(step, x, levels, key)


def heun(denoise, x, levels: NoiseLevel, key):
  """The solution of the ODE by the trapezoidal rule: order 2, two evaluations a step.

  (Karras 2022, arXiv:2206.00364, Algorithm 1.) As there, a step to sigma = 0 is Euler's.
  """

  def step(x, t, s, key):
    x0 = denoise(x, t)
    eps = noise_of(x, x0, t)
    dalpha = s.alpha - t.alpha
    dsigma = s.sigma - t.sigma
    euler = x + dalpha * x0 + dsigma * eps

    def correct():
      x0_s = denoise(euler, s)
      eps_s = noise_of(euler, x0_s, s)
      return x + dalpha * (x0 + x0_s) / 2 + dsigma * (eps + eps_s) / 2

    # At sigma_s = 0 there is no eps_s, whose formula divides by sigma_s.
    return lax.cond(s.sigma > 0, correct, lambda: euler)

  return walk(step, x, levels, key)


def dpm_solver(denoise, x, levels: NoiseLevel, key, order: int = 2):
  """The solution of the ODE by DPM-Solver++ 2M: order 2, one evaluation a step.

  (Lu 2022, arXiv:2211.01095, Algorithm 2.) With lambda = log(alpha / sigma), h = lambda_s -
  lambda_t, and x0_hat extrapolated from this step and the last one:

    x_s = sigma_s / sigma_t x_t - alpha_s (exp(-h) - 1) (x0_hat + h / (2 h_last) (x0_hat - x0_last))

  With order = 1 nothing is extrapolated, which is `ddim`; so it is in the first step, in a step
  after one from alpha = 0, and in a step to sigma = 0.
  """

  def step(carry, t, s, key):
    x, x0_last, h_last = carry
    x0 = denoise(x, t)
    h = (s.log_snr - t.log_snr) / 2
    # h_last is infinite in the first step, by the initial carry, and after a step from alpha = 0;
    # h is infinite at sigma_s = 0.
    extrapolate = (s.sigma > 0) & jnp.isfinite(h_last)
    weight = jnp.where(extrapolate, h / (2 * h_last), 0) if order == 2 else 0.0
    mixed = x0 + weight * (x0 - x0_last)
    # At alpha_t = 0 or sigma_s = 0, h is infinite and -expm1(-h) = 1, as it should be.
    x = s.sigma / t.sigma * x - s.alpha * jnp.expm1(-h) * mixed
    return x, x0, h

  h_first = jnp.full_like(levels.sigma[0], jnp.inf)
  return walk(step, (x, jnp.zeros_like(x), h_first), levels, key)[0]


def dpm_solver_single(denoise, x, levels: NoiseLevel, key):
  """The solution of the ODE by DPM-Solver++ 2S: order 2, two evaluations a step of two levels.

  (Lu 2022, arXiv:2211.01095, Algorithm 1.) Unlike `dpm_solver` it has no memory: a step goes from t
  to s through the level m between them. With h = lambda_s - lambda_t, r h = lambda_m - lambda_t:

    u   = sigma_m / sigma_t x_t - alpha_m (exp(-r h) - 1) x0_hat(x_t, t)
    d   = (1 - 1 / (2 r)) x0_hat(x_t, t) + 1 / (2 r) x0_hat(u, m)
    x_s = sigma_s / sigma_t x_t - alpha_s (exp(-h) - 1) d

  r = 1 in a step from alpha = 0. A step to sigma = 0 returns x0_hat(u, m). Raises ValueError for an
  odd number of steps.
  """
  if len(levels.sigma) % 2 == 0:
    raise ValueError(
      f"dpm_solver_single takes steps two at a time, and there are {len(levels.sigma) - 1}"
    )

  def step(x, triple):
    t, m, s = triple
    x0 = denoise(x, t)
    h = (s.log_snr - t.log_snr) / 2
    rh = (m.log_snr - t.log_snr) / 2
    u = m.sigma / t.sigma * x - m.alpha * jnp.expm1(-rh) * x0
    # 1 / (2 r): at alpha_t = 0 both h and r h are infinite, and r = 1.
    weight = jnp.where(jnp.isfinite(rh), h / (2 * rh), 0.5)
    # At sigma_s = 0, h is infinite and r = 0: x0_hat(u, m) alone.
    weight = jnp.where(s.sigma > 0, weight, 1.0)
    d = x0 + weight * (denoise(u, m) - x0)
    return s.sigma / t.sigma * x - s.alpha * jnp.expm1(-h) * d, None

  starts = levels.at(slice(None, -2, 2))
  middles = levels.at(slice(1, -1, 2))
  ends = levels.at(slice(2, None, 2))
  return lax.scan(step, x, (starts, middles, ends))[0]


def euler_maruyama(denoise, x, levels: NoiseLevel, key):
  """Samples of the reverse SDE by the Euler-Maruyama method (Song 2020, 2011.13456, equation 6).

    dx = x0_hat dalpha + eps_hat dsigma - sigma eps_hat dlambda + sigma sqrt(2 dlambda) eps

  with lambda = log(alpha / sigma). A step from alpha = 0 or to sigma = 0, where lambda is infinite,
  is that of the ODE.
  """

  def step(x, t, s, key):
    x0 = denoise(x, t)
    eps = noise_of(x, x0, t)
    # dlambda, or 0 where it is infinite.
    h = jnp.where((t.alpha > 0) & (s.sigma > 0), (s.log_snr - t.log_snr) / 2, 0)
    dalpha = s.alpha - t.alpha
    dsigma = s.sigma - t.sigma
    drift = dalpha * x0 + (dsigma - t.sigma * h) * eps
    noise = jax.random.normal(key, x.shape, x.dtype)
    return x + drift + t.sigma * jnp.sqrt(2 * h) * noise

  return walk(step, x, levels, key)


def langevin_step(denoise, x, t: NoiseLevel, key, size):
  """x + d / 2 score + sqrt(d) eps, d = size sigma²: a step of Langevin dynamics at one noise level.

  Its stationary distribution tends to that of x_t as `size` tends to 0.
  """
  eps = noise_of(x, denoise(x, t), t)  # The score is -eps / sigma.
  noise = jax.random.normal(key, x.shape, x.dtype)
  return x - size / 2 * t.sigma * eps + jnp.sqrt(size) * t.sigma * noise


def annealed_langevin(denoise, x, levels: NoiseLevel, key, repeats: int = 10, size=0.2):
  """Samples by `repeats` steps of Langevin dynamics at each level but the last, and then x0_hat.

  (Song 2019, arXiv:1907.05600.) A step has the variance size sigma² (the paper's epsilon = size
  sigma_L²). Between levels x is scaled with alpha, if alpha changes. The step to the last level is
  `ddim`'s; without it the samples would keep the noise of the last level but one
  (arXiv:2009.05475).
  """

  def step(x, t, s, key):
    x = langevin_step(denoise, x, t, key, size)
    # From alpha_t = 0, where x is noise only, there is nothing to scale.
    return jnp.where(t.alpha > 0, s.alpha / t.alpha, 1) * x

  N = len(levels.sigma) - 1
  # Each level `repeats` times: from one to the same, alpha and x stay as they are.
  visited = jnp.append(jnp.repeat(jnp.arange(N), repeats), N - 1)
  x = walk(step, x, levels.at(visited), key)
  return ddim(denoise, x, levels.at(jnp.array([N - 1, N])), key)


def predictor_corrector(
  denoise, x, levels: NoiseLevel, key, variance: str | Callable = "small", size=0.05
):
  """Samples by steps of `ancestral`, each corrected by one of Langevin dynamics at the new level.

  (Song 2020, arXiv:2011.13456, Algorithm 1.) The corrector's variance is size sigma². The paper's
  is 2 eps with eps = 2 (r |z| / |score|)² (Algorithms 4 and 5), about 4 r² sigma²: 0.05 is r =
  0.112, and its r = 0.16 for the variance-preserving and -exploding SDEs is size 0.1.
  """

  def step(x, t, s, key):
    k_predict, k_correct = jax.random.split(key)
    x = ancestral_step(denoise, x, t, s, k_predict, variance)
    # At sigma_s = 0 there is no score to correct by.
    return lax.cond(s.sigma > 0, lambda: langevin_step(denoise, x, s, k_correct, size), lambda: x)

  return walk(step, x, levels, key)


def repaint(denoise, x, levels: NoiseLevel, key, known, mask, repeats: int = 10):
  """Samples by `ancestral` that equal `known`, [B, ...], wherever `mask` is 1: inpainting.

  (Lugmayr 2022, RePaint, arXiv:2201.09865, Algorithm 1.) At each level the known part is a sample
  of q(x_s | x_0), and the rest is one of p(x_s | x_t), which does not depend on it. So x_s is
  diffused back to t and sampled again, `repeats` times in all, until both parts agree.
  """

  def once(x, t, s, key, last):
    """x_s, or where it is not the `last` time, x_s diffused back to x_t."""
    k_step, k_known, k_back = jax.random.split(key, 3)
    sampled = ancestral_step(denoise, x, t, s, k_step, "small")
    diffused = diffuse(known, jax.random.normal(k_known, x.shape, x.dtype), s)
    x_s = jnp.where(mask, diffused, sampled)
    x_t = diffuse(x_s, jax.random.normal(k_back, x.shape, x.dtype), transition(s, t))
    return jnp.where(last, x_s, x_t)

  def step(x, t, s, key):
    def body(x, inputs):
      last, key = inputs
      return once(x, t, s, key, last), None

    last = jnp.arange(repeats) == repeats - 1
    return lax.scan(body, x, (last, jax.random.split(key, repeats)))[0]

  return walk(step, x, levels, key)


def evaluations(name: str, steps: int, repeats: int = 10, **options) -> int:
  """The number of calls of `denoise` by the sampler of this name along steps + 1 levels.

  The last level has sigma = 0.
  """
  twice = 2 * steps - 1  # The last step needs one.
  langevin = repeats * steps + 1
  counts = {"heun": twice, "predictor_corrector": twice, "annealed_langevin": langevin}
  return counts.get(name, steps)
