"""A network as the score of data at any level of noise: what score-based models share."""

from collections.abc import Callable

import jax.numpy as jnp

from genjax_zoo.models.diffusion._diffusion import Space, column, functions
from genjax_zoo.prob.schedules import NoiseLevel


def score_functions(space: Space, net) -> tuple[Callable, Callable, Callable]:
  """(init, score, denoise) of a network, for params {"net"}.

  score(params, x, level, label, key=None) = -net / sigma, `key` that of dropout in training. The
  network sees x over sqrt(alpha² + sigma²), of about unit variance, and is told log(sigma / alpha):
  what it knows of one process holds for all. `denoise` is the Model's part: x0_hat by Tweedie's
  formula, (x + sigma² score) / alpha.
  """
  init, apply = functions(space, net)

  def score(params, x, level: NoiseLevel, label, key=None):
    seen = x / column(jnp.hypot(level.alpha, level.sigma), x)
    return -apply(params, seen, -level.log_snr / 2, label, key) / column(level.sigma, x)

  def denoise(params, state, x, level: NoiseLevel, label):
    return (x + column(level.sigma, x) ** 2 * score(params, x, level, label)) / column(
      level.alpha, x
    )

  return init, score, denoise
