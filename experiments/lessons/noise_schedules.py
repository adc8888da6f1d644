"""A noise schedule decides where steps are spent; a poor one spends them on pure noise.

Decks A and B show the chain of the linear schedule; the cosine schedule (deck B, line 578) was made
because the linear one destroys small images too early (Nichol & Dhariwal 2021, arXiv:2102.09672,
figures 3 to 5). alpha² (the papers' abar), the log signal-to-noise ratio and the strips are of
1,000 steps, or of t in (0, 1). "Spent on noise" is the share of steps with log SNR below -5, where
a denoiser knows next to nothing; "spent on detail", above 5. The slide's form of the cosine
schedule, without offset and bound, has a first beta that is nearly 0 and a last one of 1.

The linear schedule spends 0.30 of its steps on noise, the cosine one 0.05. The first beta of the
cosine schedule is 4.1e-5 with the offset and 2.5e-6 without.

The bound weighs |eps - eps_hat|² at t by lambda_t (deck B, line 780), L_simple by 1 at all t. For
the linear schedule lambda_t is 0.60 at t = 2 and 0.0055 at t = 500: the bound puts a hundred times
more weight on invisible detail. At the end of the cosine schedule, where a step of the bounded beta
removes nearly all of the remaining signal, it is 500.

Verdict: holds: 30 % of the linear schedule's steps are pure noise, 5 % of the cosine one's.
"""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo import data
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.prob import schedules
from genjax_zoo.prob.processes import diffuse, elbo_weight, transition

T = 1000
COLUMNS = 12
TIME = jnp.linspace(1e-3, 1 - 1e-3, T)
NAMES = *schedules.DISCRETE, "vp", "sub_vp", "ve", "edm", "flow"


def noise_levels(name):
  """The noise levels [T] of a schedule, from data to noise."""
  if name in schedules.DISCRETE:
    return getattr(schedules, name)(T).at(slice(1, None))
  if name == "edm":
    return schedules.edm(T).at(slice(T - 1, None, -1))
  return getattr(schedules, name)(TIME)


def weights(levels):
  """lambda_t of |eps - eps_hat|² in the bound, t = 2, ..., T; the term of t = 1 is a likelihood."""
  return elbo_weight(levels.at(slice(None, -1)), levels.at(slice(1, None)))


def strip(levels, image, eps):
  """COLUMNS images in [0, 1] from data to noise, each scaled to unit variance."""
  images = []
  for i in np.linspace(0, T - 1, COLUMNS).astype(int):
    level = levels.at(i)
    images.append((diffuse(image, eps, level) / jnp.hypot(level.alpha, level.sigma) + 1) / 2)
  return images


def lesson(smoke):
  digits = data.load("digits")
  image = jnp.asarray(digits.splits["train"]["image"][:1], jnp.float32) / 8 - 1
  eps = jax.random.normal(jax.random.key(0), image.shape)
  results, strips, schedule = {}, [], {}
  for name in NAMES:
    levels = schedule[name] = noise_levels(name)
    log_snr = np.asarray(levels.log_snr)
    results[name] = {
      "alpha² at the end": float(levels.alpha[-1] ** 2),
      "spent on noise": float((log_snr < -5).mean()),
      "spent on detail": float((log_snr > 5).mean()),
    }
    if name in schedules.DISCRETE:
      lambdas = weights(levels)
      results[name]["lambda_t"] = {f"t = {t}": float(lambdas[t - 2]) for t in (2, T // 2, T)}
    strips += strip(levels, image, eps)
  cosines = {
    "as on the slide": schedules.cosine(T, 0.0, 1.0 - 1e-12),
    "with offset and bound": schedules.cosine(T),
  }
  for name, levels in cosines.items():
    first, last = (transition(levels.at(t - 1), levels.at(t)).sigma ** 2 for t in (1, T))
    results[f"cosine, {name}"] = {"first beta": float(first), "last beta": float(last)}
  return results, [
    (
      curves(schedule),
      "The signal's share of the variance and the log signal-to-noise ratio, from data to noise; "
      "and the bound's weight of the error of eps.",
    ),
    (
      grid(np.concatenate(strips), columns=COLUMNS),
      f"One digit, scaled to unit variance, by schedule: {', '.join(NAMES)}.",
    ),
  ]


def curves(schedule):
  """A picture of {name: noise levels}."""

  def paint(left, right, last):
    for name, levels in schedule.items():
      left.plot(TIME, levels.alpha**2 / (levels.alpha**2 + levels.sigma**2), label=name)
      right.plot(TIME, levels.log_snr, label=name)
    left.set(xlabel="t", ylabel="alpha² / (alpha² + sigma²)")
    right.set(xlabel="t", ylabel="log SNR", ylim=(-12, 20))
    right.legend(fontsize=7)
    for name in schedules.DISCRETE:
      last.loglog(np.arange(2, T + 1), weights(schedule[name]), label=name)
    last.axhline(1, color="gray", linestyle=":", label="L_simple")
    last.set(xlabel="t of 1,000", ylabel="weight of |eps - eps_hat|²")
    last.legend(fontsize=7)

  return plot(paint, 3, 4)
