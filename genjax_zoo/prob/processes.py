"""The forward process x_t = alpha x_0 + sigma eps of diffusion models: distributions and losses.

A network may predict any of five quantities; given x_t, each determines all others:

  "eps"       the noise (Ho 2020, arXiv:2006.11239)
  "x0"        the data
  "v"         alpha eps - sigma x_0 (Salimans & Ho 2022, arXiv:2202.00512)
  "score"     the gradient of log p(x_t), whose target is -eps / sigma (Song 2019, arXiv:1907.05600)
  "velocity"  eps - x_0: dx/dt on the line alpha = 1 - t, sigma = t (Liu 2022, arXiv:2209.03003)

Below t is a noise level and s a less noisy one. x is [B, ...]; alpha and sigma are [] or [B].

Errata of the slides: docs/errata.md#processes
"""

from collections.abc import Callable

import jax.numpy as jnp

from genjax_zoo.prob.schedules import NoiseLevel


def aligned(level: NoiseLevel, x) -> NoiseLevel:
  """The level with entries [] as they are, and entries [B] as [B, 1, ...], to broadcast to x."""

  def to_axes_of_x(a):
    return a.reshape(-1, *[1] * (x.ndim - 1)) if jnp.ndim(a) else a

  return NoiseLevel(to_axes_of_x(level.alpha), to_axes_of_x(level.sigma))


def diffuse(x0, eps, t: NoiseLevel):
  """x_t = alpha x_0 + sigma eps: a sample of q(x_t | x_0) if eps is one of N(0, I)."""
  alpha, sigma = aligned(t, x0)
  return alpha * x0 + sigma * eps


def transition(s: NoiseLevel, t: NoiseLevel) -> NoiseLevel:
  """(ratio, sd) of a step of the chain, q(x_t | x_s) = N(ratio x_s, sd² I).

  ratio = alpha_t / alpha_s, and sd² = sigma_t² - ratio² sigma_s² is the papers' beta_t. It is a
  NoiseLevel, so that `diffuse` takes x_s to x_t by it.
  """
  ratio = t.alpha / s.alpha
  scaled = ratio * s.sigma
  # As (a - b) (a + b), which loses fewer digits than a² - b². At s = t, where it is 0, rounding may
  # make it negative.
  variance = jnp.maximum((t.sigma - scaled) * (t.sigma + scaled), 0)
  return NoiseLevel(ratio, jnp.sqrt(variance))


def posterior(x0, x, s: NoiseLevel, t: NoiseLevel):
  """(mean, small, large): q(x_s | x_t, x_0) = N(mean, small I) (Ho 2020, equations 6 and 7).

  With q(x_t | x_s) = N(ratio x_s, large I), see `transition`:

    mean  = ratio sigma_s² / sigma_t² x_t + alpha_s large / sigma_t² x_0
    small = large sigma_s² / sigma_t²

  The papers' beta~_t and beta_t. As variance of p(x_s | x_t), `small` is optimal when the data are
  a single point, `large` when they are N(0, I).
  """
  s, t = aligned(s, x), aligned(t, x)
  ratio, sd = transition(s, t)
  large = sd**2
  # At s = data, sigma_s = 0: the mean is x_0 and `small` is 0.
  mean = ratio * (s.sigma / t.sigma) ** 2 * x + s.alpha * large / t.sigma**2 * x0
  small = large * (s.sigma / t.sigma) ** 2
  return mean, small, large


def split_v(v, x, a, s):
  """(x_0, eps) that solve x = a x_0 + s eps, v = a eps - s x_0."""
  squared = a**2 + s**2  # 1 for processes that preserve variance.
  return (a * x - s * v) / squared, (s * x + a * v) / squared


SPLITS = {  # (value, x, alpha, sigma) -> (x_0, eps)
  "eps": lambda value, x, a, s: ((x - s * value) / a, value),
  "x0": lambda value, x, a, s: (value, (x - a * value) / s),
  "v": split_v,
  "score": lambda value, x, a, s: ((x + s**2 * value) / a, -s * value),
  "velocity": lambda value, x, a, s: ((x - s * value) / (a + s), (x + a * value) / (a + s)),
}
TARGETS = {  # (x_0, eps, alpha, sigma) -> value
  "eps": lambda x0, eps, a, s: eps,
  "x0": lambda x0, eps, a, s: x0,
  "v": lambda x0, eps, a, s: a * eps - s * x0,
  "score": lambda x0, eps, a, s: -eps / s,
  "velocity": lambda x0, eps, a, s: eps - x0,
}


def split(value, x, level: NoiseLevel, kind: str):
  """(x_0, eps), each [B, ...], that x = alpha x_0 + sigma eps consists of, by a prediction `value`.

  At alpha = 0, "eps" and "score" do not determine x_0; at sigma = 0, "x0" does not determine eps.
  """
  return SPLITS[kind](value, x, *aligned(level, x))


def target(x0, eps, level: NoiseLevel, kind: str):
  """What a network of this kind of prediction is trained to predict, [B, ...]."""
  return TARGETS[kind](x0, eps, *aligned(level, x0))


def convert(value, x, level: NoiseLevel, source: str, kind: str):
  """The prediction of one kind that is equivalent, given x, to `value` of the kind `source`."""
  x0, eps = split(value, x, level, source)
  return target(x0, eps, level, kind)


def denoising_loss(predict: Callable, x0, eps, t: NoiseLevel, kind: str, weight=1.0):
  """weight |target - predict(x_t, t)|² / D, [B]: the loss of score models, EDM and flow matching.

  `weight` is [] or [B]; D is the dimension of the data. For kind "eps", D times this loss is
  L_simple with weight 1 (Ho 2020, equation 14), and the bound's KL in nats with `elbo_weight`.
  """
  error = (predict(diffuse(x0, eps, t), t) - target(x0, eps, t, kind)) ** 2
  return weight * error.reshape(len(x0), -1).mean(-1)


# Weights of |eps - eps_hat|², a sum over the D dimensions. As |eps - eps_hat|² = snr |x_0 -
# x0_hat|², snr = alpha² / sigma², the weight of |x_0 - x0_hat|² is snr times as much.


def elbo_weight(s: NoiseLevel, t: NoiseLevel):
  """(snr_s / snr_t - 1) / 2: the weight that makes the error KL(q(x_s | x_t, x_0) || p(x_s | x_t)).

  In nats, where p has the variance `small` (Ho 2020, equation 12; Kingma 2021, arXiv:2107.00630,
  equation 13). Infinite at sigma_s = 0: there the bound has -log p(x_0 | x_t), not a KL.
  """
  return ((s.alpha * t.sigma / (s.sigma * t.alpha)) ** 2 - 1) / 2


def min_snr_weight(t: NoiseLevel, gamma: float = 5.0):
  """min(snr, gamma) / snr: the weight that is min(snr, gamma) for |x_0 - x0_hat|².

  (Hang 2023, arXiv:2303.09556.)
  """
  return jnp.minimum(1, gamma / t.snr)


def edm_weight(t: NoiseLevel, sd: float = 0.5):
  """1 + (sigma / (alpha sd))²: the weight that is 1 for the unit-variance targets of EDM's network.

  (Karras 2022, arXiv:2206.00364, table 1.) As a weight of |x_0 - x0_hat|² it is lambda(sigma) =
  (sigma² + sd²) / (sigma sd)², where sd is the standard deviation of the data.
  """
  return 1 + 1 / (t.snr * sd**2)


def prior_kl(x0, t: NoiseLevel):
  """KL(q(x_t | x_0) || N(0, I)), nats [B]: the bound's term for noise that still depends on x_0."""
  alpha, sigma = aligned(t, x0)
  kl = 0.5 * ((alpha * x0) ** 2 + sigma**2 - 1) - jnp.log(sigma)
  return kl.reshape(len(x0), -1).sum(-1)
