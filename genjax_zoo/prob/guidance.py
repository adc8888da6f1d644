"""Guidance and clipping: each takes a denoiser and returns one, `denoise(x, level) -> x0_hat`.

So all of them work with every sampler. Guidance of x0_hat is guidance of eps_hat, v and the score:
given x they are affine functions of each other.

Errata of the slides: docs/errata.md#guidance
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from genjax_zoo.prob.processes import aligned
from genjax_zoo.prob.schedules import NoiseLevel


def classifier_free(
  denoise, condition, null, scale: float | Callable | Mapping = 1.0, rescale=0.0
) -> Callable:
  """x0_null + scale (x0_condition - x0_null) (Ho & Salimans 2022, arXiv:2207.12598; scale = 1 + w).

  `condition` and `null` are pytrees of arrays [B, ...], alike. Scale 1 is the conditional model, 0
  the unconditional one. `scale` may be a function of the level, such as `interval`.

  A condition with several entries can have a scale for each, {name: scale}. Then the entries are
  added one after the other, in the order of `scale` (Brooks 2022, InstructPix2Pix,
  arXiv:2211.09800, equation 3):

    x0_hat = D(null) + sum_i scale_i (D(entries up to i) - D(entries up to i - 1))

  `denoise(x, level, condition)` evaluates all conditions in one batch, the null condition last, at
  a level []. `rescale` in [0, 1] moves the standard deviation over an example of x0_hat towards
  that of x0_condition, against over-exposure (Lin 2023, arXiv:2305.08891). Raises ValueError for a
  {name: scale} that the condition lacks.
  """
  if isinstance(scale, Mapping):
    conditions = cumulative(condition, null, tuple(scale))
    scales = tuple(scale.values())
  else:
    conditions = [null, condition]
    scales = (scale,)

  def guided(x, level: NoiseLevel):
    n = len(conditions)
    batch = jax.tree.map(lambda *entries: jnp.concatenate(entries), *reversed(conditions))
    x0s = jnp.split(denoise(jnp.concatenate([x] * n), level, batch), n)[::-1]
    x0 = x0s[0]
    for entry_scale, without, given in zip(scales, x0s[:-1], x0s[1:]):
      strength = entry_scale(level) if callable(entry_scale) else entry_scale
      x0 = x0 + strength * (given - without)
    axes = tuple(range(1, x.ndim))
    # The 1e-8 is for a constant x0, whose standard deviation is 0.
    ratio = x0s[-1].std(axes, keepdims=True) / (x0.std(axes, keepdims=True) + 1e-8)
    return x0 * (1 + rescale * (ratio - 1))

  return guided


def cumulative(condition: Mapping, null: Mapping, names: tuple[str, ...]) -> list[dict]:
  """The null condition, then with the first entry given, with the first two, ..., with all.

  Entries without a name stay as they are in `null`. Raises ValueError for a name without an entry.
  """
  if not set(names) <= set(condition):
    raise ValueError(
      f"there are scales for {sorted(names)}, and the condition is {sorted(condition)}"
    )
  conditions = [dict(null)]
  for name in names:
    conditions.append(conditions[-1] | {name: condition[name]})
  return conditions


def interval(scale, low=0.0, high=jnp.inf) -> Callable:
  """level -> `scale` where low <= sigma / alpha <= high, and 1, no guidance, elsewhere.

  (Kynkäänniemi 2024, arXiv:2404.07724.)
  """

  def strength(level: NoiseLevel):
    noise = level.sigma / level.alpha  # Infinite at alpha = 0, inside an interval without `high`.
    return jnp.where((low <= noise) & (noise <= high), scale, 1.0)

  return strength


def classifier(denoise, log_prob, scale=1.0) -> Callable:
  """x0_hat + scale sigma² / alpha grad_x log p(c | x) (Dhariwal & Nichol 2021, arXiv:2105.05233).

  `log_prob(x, level)`, [B], is that of a classifier of noisy x. By x0_hat = (x + sigma² score) /
  alpha this adds scale times the gradient to the score.
  """

  def guided(x, level: NoiseLevel):
    gradient = jax.grad(lambda x: log_prob(x, level).sum())(x)
    alpha, sigma = aligned(level, x)
    # At alpha = 0, x is independent of c: x0_hat stays as it is.
    shift = jnp.where(alpha > 0, scale * sigma**2 / alpha * gradient, 0)
    return denoise(x, level) + shift

  return guided


def clipped(denoise, low=-1.0, high=1.0) -> Callable:
  """x0_hat clipped to the range of the data, as in Ho 2020."""
  return lambda x, level: jnp.clip(denoise(x, level), low, high)


def dynamic_threshold(denoise, quantile: float = 0.995, most=1.0) -> Callable:
  """x0_hat clipped to [-c, c] and scaled to [-most, most] (Saharia 2022, Imagen, arXiv:2205.11487).

  c is the quantile of |x0_hat| over an example. Where it is below `most`, c = most, and x0_hat is
  only clipped.
  """

  def thresholded(x, level: NoiseLevel):
    x0 = denoise(x, level)
    axes = tuple(range(1, x.ndim))
    c = jnp.quantile(jnp.abs(x0), quantile, axes, keepdims=True)
    c = jnp.maximum(c, most)
    return jnp.clip(x0, -c, c) / c * most

  return thresholded
