"""Consistency models (Song 2023, arXiv:2303.01469; Song & Dhariwal 2023, arXiv:2310.14189): samples
in one step.

All points of one way of the probability-flow ODE come from one x_0. A network f(x, sigma) learns to
say which, from any of them, by saying the same at neighbours: with levels low = sigma_1 < ... <
sigma_N = high, closer where there is less noise (`schedules.edm`),

  loss = weight (sqrt(|f(x_n+1, sigma_n+1) - f~(x_n, sigma_n)|² + c²) - c),   c = 0.00054 sqrt(D)
  weight = 1 / (sigma_n+1 - sigma_n),   x_n+1 = x_0 + sigma_n+1 eps,   f~ = f without gradient
  x_n = x_n+1 by a step of Heun's rule on the ODE of the `teacher`    (distillation)
      = x_0 + sigma_n eps, with the same eps                          (training from scratch)

so that all is anchored at the data's end, where f is the identity: f(x, sigma) = c_skip x + c_out
F(c_in x, log sigma),

  c_skip = sd² / ((sigma - low)² + sd²),  c_out = sd (sigma - low) / sqrt(sigma² + sd²),  c_in = 1 / sqrt(sigma² + sd²)

More steps add noise to f and let it answer again (`samplers.renoise`). From scratch N grows: a
scheduled argument.

Departures: distillation has the second paper's metric, weight, law of the levels (log sigma ~
N(mean, spread²)) and f~, in place of LPIPS and an average of the weights.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.diffusion._diffusion import (
  column,
  diffusion,
  functions,
  network as make,
  space,
  told,
)
from genjax_zoo.prob import schedules
from genjax_zoo.prob.processes import diffuse
from genjax_zoo.prob.schedules import NoiseLevel

RHO = 7.0


def neighbours(log_sigma, N, low, high):
  """(sigma_n, sigma_n+1) [B]: the two of N levels, as those of `schedules.edm`, between which
  exp(log_sigma) [B] is.
  """
  ends = low ** (1 / RHO), high ** (1 / RHO)
  place = (jnp.exp(log_sigma / RHO) - ends[0]) / (ends[1] - ends[0]) * (N - 1)
  n = jnp.clip(jnp.floor(place), 0, N - 2)
  sigma = lambda n: (ends[0] + n / (N - 1) * (ends[1] - ends[0])) ** RHO
  return sigma(n), sigma(n + 1)


def model(
  data,
  *,
  teacher: Model | None = None,
  sd: float = 0.5,
  mean: float = -1.1,
  spread: float = 2.0,
  low: float = 0.002,
  high: float = 80.0,
  network: str = "unet",
  hidden: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  attention: tuple[int, ...] = (),
  patch: int = 1,
  dropout: float = 0.0,
  conditional: bool = False,
  drop_label: float = 0.1,
  dtype: str = "float32",
) -> Model:
  """A consistency model of "image" or real "x" of standard deviation `sd`, distilled from a
  `teacher` if there is one.

  The teacher is any diffusion model of the same data. `sample` takes 1 step or more. The network:
  see `_diffusion.network`. `conditional` on "label", left out with probability `drop_label`.
  """
  here = space(data, conditional)
  options = dict(
    classes=here.classes,
    blocks=blocks,
    attention=attention,
    patch=patch,
    dropout=dropout,
    dtype=dtype,
  )
  init, apply = functions(here, make(network, here.shape, hidden, **options))

  def answer(params, state, x, level: NoiseLevel, label, key=None):
    """f of x / alpha at sigma / alpha."""
    x, sigma = x / column(level.alpha, x), level.sigma / level.alpha
    total = jnp.sqrt(sigma**2 + sd**2)
    c_skip, c_out = sd**2 / ((sigma - low) ** 2 + sd**2), sd * (sigma - low) / total
    out = apply(params, x / column(total, x), jnp.log(sigma), label, key)
    return column(c_skip, x) * x + column(c_out, x) * out

  def begin(key, batch, frozen):
    return init(key, batch)[0], {"frozen": frozen}

  def before(state, x0, eps, x, s: NoiseLevel, t: NoiseLevel, label):
    """x_n, for x = x_n+1."""
    if not teacher:
      return diffuse(x0, eps, s)
    f = lambda x, level: teacher.parts["denoise"](*state["frozen"]["teacher"], x, level, label)
    d = (x - f(x, t)) / column(t.sigma, x)
    euler = x + column(s.sigma - t.sigma, x) * d
    return x + column(s.sigma - t.sigma, x) * (d + (euler - f(euler, s)) / column(s.sigma, x)) / 2

  def loss(params, state, batch, key, train, N=40.0):
    k_label, k_sigma, k_eps, k_drop = jax.random.split(key, 4)
    x0, label = here.floats(batch), told(here, batch, k_label, drop_label if train else 0.0)
    log_sigma = mean + spread * jax.random.normal(k_sigma, (len(x0),))
    s, t = (
      NoiseLevel(jnp.ones_like(sigma), sigma) for sigma in neighbours(log_sigma, N, low, high)
    )
    eps = jax.random.normal(k_eps, x0.shape)
    x, dropout = diffuse(x0, eps, t), k_drop if train else None
    goal = answer(params, state, before(state, x0, eps, x, s, t, label), s, label, dropout)
    error = (answer(params, state, x, t, label, dropout) - jax.lax.stop_gradient(goal)) ** 2
    c = 0.00054 * here.dim**0.5
    distance = jnp.sqrt(error.reshape(len(x0), -1).sum(-1) + c**2) - c
    return distance / (t.sigma - s.sigma), ({}, {"distance": distance})

  def path(steps):
    """From high to data by way of steps - 1 levels between high and low."""
    return schedules.ending_in_data(schedules.edm(steps + 1, low, high).at(slice(0, steps)))

  start = begin if teacher else init
  made = diffusion(here, start, loss, answer, path, sampler="renoise", steps=1)
  # f is no mean: the ODE isn't its.
  return made._replace(encode=None, decode=None, parts={"consistency": answer})
