"""The forward process x_t = alpha x_0 + sigma eps of all diffusion models: its laws, what networks
predict, the losses.

A network may predict any of five things. Together with x each is as good as any other:

  "eps"       the noise (Ho 2020, arXiv:2006.11239)
  "x0"        the data
  "v"         alpha eps - sigma x_0 (Salimans & Ho 2022, arXiv:2202.00512)
  "score"     the gradient of log p(x_t), -eps / sigma (Song 2019, arXiv:1907.05600)
  "velocity"  eps - x_0, dx/dt of the straight line alpha = 1 - t, sigma = t (Liu 2022, arXiv:2209.03003)

Below t is a level and s a less noisy one; x [B, ...], the numbers of a level [] or [B].

The deck's posterior mean (A, lines 960 and 972) fuses two lines in a fraction, and has abar_t for
abar_{t-1}; its p(x_{t-1} | x_t) puts eps for x_0 into the posterior (B, line 901), and its loss
forgets eps in x_t (B, line 770).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_zoo.prob.schedules import NoiseLevel


def aligned(level: NoiseLevel, x) -> NoiseLevel:
  """The level with as many axes as x [B, ...], where it has one number an example."""
  return NoiseLevel(*(a.reshape(-1, *[1] * (x.ndim - 1)) if jnp.ndim(a) else a for a in level))


def diffuse(x0, eps, t: NoiseLevel):
  """x_t = alpha x_0 + sigma eps: a draw of q(x_t | x_0) when eps ~ N(0, I)."""
  alpha, sigma = aligned(t, x0)
  return alpha * x0 + sigma * eps


def transition_variance(s: NoiseLevel, t: NoiseLevel):
  """The variance of q(x_t | x_s), sigma_t² - (alpha_t / alpha_s)² sigma_s²: the papers' beta_t."""
  scaled = t.alpha / s.alpha * s.sigma
  # As (a - b) (a + b), which loses fewer digits than a² - b². At s = t, where it is 0, rounding may
  # make it negative.
  return jnp.maximum((t.sigma - scaled) * (t.sigma + scaled), 0)


def transition(s: NoiseLevel, t: NoiseLevel) -> NoiseLevel:
  """(ratio, sd) of a step of the chain, q(x_t | x_s) = N(ratio x_s, sd² I).

  ratio = alpha_t / alpha_s. It is a NoiseLevel, so that `diffuse` takes x_s to x_t by it.
  """
  return NoiseLevel(t.alpha / s.alpha, jnp.sqrt(transition_variance(s, t)))


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


def log_variance_bounds(levels: NoiseLevel) -> tuple[jax.Array, jax.Array]:
  """(log_small, log_large), each [T + 1] and indexed by t: the bounds of learned log variances.

  They are logarithms of the variances of `posterior` from t to t - 1, of levels [T + 1] from data
  to noise (Nichol & Dhariwal 2021, arXiv:2102.09672, equation 15). Entries 0 are -inf.
  """
  s = levels.at(slice(None, -1))
  t = levels.at(slice(1, None))
  large = transition_variance(s, t)
  small = large * (s.sigma / t.sigma) ** 2
  # t = 1 ends in data: small = 0 has no logarithm, and that of t = 2 stands in, if there is one.
  # It may be above `large` of t = 1, which then is both bounds.
  first = jnp.minimum(small[1], large[0]) if len(large) > 1 else large[0]
  small = small.at[0].set(first)
  return tuple(jnp.concatenate([jnp.array([-jnp.inf]), jnp.log(v)]) for v in (small, large))


SPLITS = {  # (value, x, alpha, sigma) -> (x_0, eps)
  "eps": lambda value, x, a, s: ((x - s * value) / a, value),
  "x0": lambda value, x, a, s: (value, (x - a * value) / s),
  "v": lambda value, x, a, s: (
    (a * x - s * value) / (a**2 + s**2),
    (s * x + a * value) / (a**2 + s**2),
  ),
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
  """(x_0, eps) that a prediction of this kind says x = alpha x_0 + sigma eps is made of."""
  return SPLITS[kind](value, x, *aligned(level, x))


def target(x0, eps, level: NoiseLevel, kind: str):
  """What a network of this kind should predict."""
  return TARGETS[kind](x0, eps, *aligned(level, x0))


def convert(value, x, level: NoiseLevel, source: str, kind: str):
  """The prediction of one kind that says the same as `value` of the kind `source`."""
  return target(*split(value, x, level, source), level, kind)


def denoising_loss(predict: Callable, x0, eps, t: NoiseLevel, kind: str, weight=1.0):
  """weight |target - predict(x_t, t)|² / D, [B]: what every diffusion model minimises, `weight` []
  or [B].

  D counts an example's numbers; in nats the bound is D times this, with the weight below of the
  predicted kind.
  """
  error = (predict(diffuse(x0, eps, t), t) - target(x0, eps, t, kind)) ** 2
  return weight * error.reshape(len(x0), -1).mean(-1)


# Weights of |eps - eps_hat|², summed over an example's numbers; snr = alpha² / sigma² times as much
# of |x_0 - x0_hat|².


def elbo_weight(s: NoiseLevel, t: NoiseLevel):
  """(snr_s / snr_t - 1) / 2: gives KL(q(x_s | x_t, x_0) || p(x_s | x_t)) in nats, p of the variance
  `small`.

  (Ho 2020, equation 12; Kingma 2021, arXiv:2107.00630, equation 13.) Infinite at sigma_s = 0: the
  last step is a likelihood of the data, not a KL.
  """
  return ((s.alpha * t.sigma / (s.sigma * t.alpha)) ** 2 - 1) / 2


def min_snr_weight(t: NoiseLevel, gamma: float = 5.0):
  """min(snr, gamma) / snr: the data's own error counts alike where there is little noise (Hang
  2023, 2303.09556).
  """
  return jnp.minimum(1, gamma / t.snr)


def edm_weight(t: NoiseLevel, sd: float = 0.5):
  """1 + (sigma / (alpha sd))²: a network of unit targets has unit weight (Karras 2022, 2206.00364,
  table 1).

  In units of x_0 that is lambda(sigma) = (sigma² + sd²) / (sigma sd)²; sd is the standard deviation
  of the data.
  """
  return 1 + 1 / (t.snr * sd**2)


def prior_kl(x0, t: NoiseLevel):
  """KL(q(x_t | x_0) || N(0, I)), nats [B]: what the bound pays for noise that is not quite pure."""
  alpha, sigma = aligned(t, x0)
  kl = 0.5 * ((alpha * x0) ** 2 + sigma**2 - 1) - jnp.log(sigma)
  return kl.reshape(len(x0), -1).sum(-1)
