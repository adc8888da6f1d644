"""A schedule says where on the way from data to noise the steps are spent; a poor one spends them
on pure noise.

Decks A and B show the chain of the linear schedule; the cosine schedule (deck B, line 578) was made
because the linear one destroys small images too early (Nichol & Dhariwal 2021, arXiv:2102.09672,
figures 3 to 5). alpha² (the papers' abar), the log signal-to-noise ratio and the strips are of
1,000 steps, or of t in (0, 1). "Spent on noise" is the share of steps at which log SNR is below -5,
where a denoiser knows next to nothing; "spent on detail", above 5. The slide's form of the cosine
schedule, without offset and bound, has a first beta too small to see and a last one of 1.

The linear schedule spends 0.30 of its steps on noise, the cosine one 0.05. Its first beta is 4.1e-5
with the offset and 2.5e-6 without.

The bound weighs |eps - eps_hat|² at t by lambda_t (deck B, line 780), L_simple by 1 at all t. Of
the linear schedule lambda_t is 0.60 at t = 2 and 0.0055 at t = 500: the bound cares a hundred times
more for detail that no one sees. At the end of the cosine schedule, where a step of the bounded
beta takes nearly all that is left of the signal, it is 500.
"""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo import data
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.prob import schedules
from genjax_zoo.prob.processes import diffuse, elbo_weight, transition

T, COLUMNS = 1000, 12
TIME = jnp.linspace(1e-3, 1 - 1e-3, T)


def path(name):
  """Levels [T] of a schedule, from data to noise."""
  if name in schedules.DISCRETE:
    return getattr(schedules, name)(T).at(slice(1, None))
  return (
    schedules.edm(T).at(slice(T - 1, None, -1)) if name == "edm" else getattr(schedules, name)(TIME)
  )


def weights(level):
  """lambda_t, t = 2, ..., T, of |eps - eps_hat|² in the bound: that of t = 1 is none, but a
  likelihood.
  """
  return elbo_weight(level.at(slice(None, -1)), level.at(slice(1, None)))


NAMES = *schedules.DISCRETE, "vp", "sub_vp", "ve", "edm", "flow"


def lesson(smoke):
  digits = data.load("digits")
  image = jnp.asarray(digits.splits["train"]["image"][:1], jnp.float32) / 8 - 1
  eps, numbers, strips, levels = jax.random.normal(jax.random.key(0), image.shape), {}, [], {}
  for name in NAMES:
    level = levels[name] = path(name)
    log_snr = np.asarray(level.log_snr)
    numbers[name] = {
      "alpha² at the end": float(level.alpha[-1] ** 2),
      "spent on noise": float((log_snr < -5).mean()),
      "spent on detail": float((log_snr > 5).mean()),
    }
    if name in schedules.DISCRETE:
      numbers[name]["lambda_t"] = {f"t = {t}": float(weights(level)[t - 2]) for t in (2, T // 2, T)}
    for i in np.linspace(0, T - 1, COLUMNS).astype(int):
      at = level.at(i)
      strips.append((diffuse(image, eps, at) / jnp.hypot(at.alpha, at.sigma) + 1) / 2)
  for name, level in {
    "as printed": schedules.cosine(T, 0.0, 1.0 - 1e-12),
    "with both": schedules.cosine(T),
  }.items():
    beta = [float(transition(level.at(t - 1), level.at(t)).sigma ** 2) for t in (1, T)]
    numbers[f"cosine, {name}"] = {"first beta": beta[0], "last beta": beta[1]}

  def curves(left, right, last):
    for name, level in levels.items():
      left.plot(TIME, level.alpha**2 / (level.alpha**2 + level.sigma**2), label=name)
      right.plot(TIME, level.log_snr, label=name)
    left.set(xlabel="t", ylabel="alpha² / (alpha² + sigma²)")
    right.set(xlabel="t", ylabel="log SNR", ylim=(-12, 20))
    right.legend(fontsize=7)
    for name in schedules.DISCRETE:
      last.loglog(np.arange(2, T + 1), weights(levels[name]), label=name)
    last.axhline(1, color="gray", linestyle=":", label="L_simple")
    last.set(xlabel="t of 1,000", ylabel="weight of |eps - eps_hat|²")
    last.legend(fontsize=7)

  caption = (
    "The share of the signal's variance, and the log signal-to-noise ratio, from data to noise; and what the "
    "bound weighs the error of eps by."
  )
  rows = "One digit on its way, scaled to unit variance, by schedule: " + ", ".join(NAMES) + "."
  return numbers, [
    (plot(curves, 3, 4), caption),
    (grid(np.concatenate(strips), columns=COLUMNS), rows),
  ]
