"""Guidance and clipping: each takes a denoiser and returns one, `denoise(x, level) -> x0_hat`, for
any sampler.

Guidance in x0_hat is guidance in eps_hat, v or the score: for a given x they are affine in each
other. The deck (E, line 1028) guides by the bare difference eps(x, c) - eps(x), which is only the
direction; and for scales other than 1 (E, lines 745 and 853) it is not the score of p(x | c) at any
noise level, but of p(x) p(c | x)^scale, normalised.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_zoo.prob.processes import aligned
from genjax_zoo.prob.schedules import NoiseLevel


def classifier_free(denoise, condition, null, scale: float | Callable = 1.0, rescale=0.0):
  """x0_hat = x0_null + scale (x0_condition - x0_null) (Ho & Salimans 2022, arXiv:2207.12598; scale
  = 1 + w).

  `denoise(x, level, condition)` gets both in one batch, conditions [B, ...] alike; scale 1 is the
  conditional model, 0 the unconditional one. `scale` may be a function of the level, as `interval`
  is. `rescale` in [0, 1] moves x0_hat towards the standard deviation, over an example, of
  x0_condition, against over-exposure (Lin 2023, 2305.08891).
  """

  def guided(x, level: NoiseLevel):
    both = denoise(jnp.concatenate([x, x]), level, jnp.concatenate([condition, null]))
    conditional, unconditional = jnp.split(both, 2)
    strength = scale(level) if callable(scale) else scale
    x0 = unconditional + strength * (conditional - unconditional)
    axes = tuple(range(1, x.ndim))
    ratio = conditional.std(axes, keepdims=True) / (x0.std(axes, keepdims=True) + 1e-8)
    return x0 * (1 + rescale * (ratio - 1))

  return guided


def interval(scale, low=0.0, high=jnp.inf) -> Callable:
  """level -> `scale` where low <= sigma / alpha <= high, 1 elsewhere (Kynkäänniemi 2024,
  arXiv:2404.07724).
  """

  def strength(level: NoiseLevel):
    noise = level.sigma / level.alpha
    return jnp.where((low <= noise) & (noise <= high), scale, 1.0)

  return strength


def classifier(denoise, log_prob, scale=1.0):
  """x0_hat + scale sigma² / alpha times the gradient of log p(c | x) in x (Dhariwal & Nichol 2021,
  arXiv:2105.05233).

  `log_prob(x, level)`, [B], is of a classifier of noisy x. That is score + scale times the
  gradient, by x0_hat = (x + sigma² score) / alpha. At alpha = 0, where x says nothing of c, x0_hat
  stays as it is.
  """

  def guided(x, level: NoiseLevel):
    gradient, (alpha, sigma) = jax.grad(lambda x: log_prob(x, level).sum())(x), aligned(level, x)
    return denoise(x, level) + jnp.where(alpha > 0, scale * sigma**2 / alpha * gradient, 0)

  return guided


def clipped(denoise, low=-1.0, high=1.0):
  """x0_hat in the range of the data, as in Ho 2020."""
  return lambda x, level: jnp.clip(denoise(x, level), low, high)


def dynamic_threshold(denoise, quantile: float = 0.995, most=1.0):
  """x0_hat clipped at c and scaled to `most`, c the example's quantile of |x0_hat| if above `most`
  (2205.11487).
  """

  def thresholded(x, level: NoiseLevel):
    x0 = denoise(x, level)
    axes = tuple(range(1, x.ndim))
    c = jnp.maximum(jnp.quantile(jnp.abs(x0), quantile, axes, keepdims=True), most)
    return jnp.clip(x0, -c, c) / c * most

  return thresholded
