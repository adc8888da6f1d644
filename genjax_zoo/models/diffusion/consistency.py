"""Consistency models (Song 2023, arXiv:2303.01469; Song & Dhariwal 2023, arXiv:2310.14189): samples
in one step.

All points of one trajectory of the probability-flow ODE come from one x_0. A network f(x, sigma)
learns which, from any of them, by giving the same answer at neighbours: with noise levels
low = sigma_1 < ... < sigma_N = high, closer where there is less noise (`schedules.edm`),

  loss = weight (sqrt(|f(x_n+1, sigma_n+1) - f~(x_n, sigma_n)|² + c²) - c),   c = 0.00054 sqrt(D)
  weight = 1 / (sigma_n+1 - sigma_n),   x_n+1 = x_0 + sigma_n+1 eps,   f~ = f without gradient
  x_n = x_n+1 by a step of Heun's rule on the ODE of the `teacher`    (distillation)
      = x_0 + sigma_n eps, with the same eps                          (training from scratch)

so that all is anchored at the data's end, where f is the identity: f(x, sigma) = c_skip x + c_out
F(c_in x, log sigma),

  c_skip = sd² / ((sigma - low)² + sd²),  c_out = sd (sigma - low) c_in,
  c_in = 1 / sqrt(sigma² + sd²)

More steps add noise to f's answer and let it answer again (`samplers.renoise`). From scratch N
grows: a scheduled argument.

A student starts from its teacher's weights, as in the first paper, where the networks are alike:
with those of edm.py, f is then nearly the teacher's denoiser.

Departures: distillation has the second paper's metric, weight, distribution of noise levels
(log sigma ~ N(mean, spread²)) and f~, in place of LPIPS and an average of the weights. Of that
distribution, what is below low or above high goes to the first or the last pair of neighbours (0.5
and 0.3 % at the defaults); the second paper leaves it out.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models._condition import drop as drop_condition
from genjax_zoo.models.diffusion._diffusion import diffusion
from genjax_zoo.models.diffusion._space import align, network_functions, space_of
from genjax_zoo.prob import schedules
from genjax_zoo.prob.processes import diffuse
from genjax_zoo.prob.schedules import NoiseLevel

RHO = 7.0


def preconditioning(sigma, sd: float, low: float):
  """(c_skip, c_out, 1 / c_in) at sigma: f is the identity at sigma = low."""
  total = jnp.sqrt(sigma**2 + sd**2)
  return sd**2 / ((sigma - low) ** 2 + sd**2), sd * (sigma - low) / total, total


def neighbours(log_sigma, N, low, high):
  """(sigma_n, sigma_n+1) [B]: the two of N levels between which exp(log_sigma) [B] is.

  The levels are those of `schedules.edm`.
  """
  ends = low ** (1 / RHO), high ** (1 / RHO)
  place = (jnp.exp(log_sigma / RHO) - ends[0]) / (ends[1] - ends[0]) * (N - 1)
  n = jnp.clip(jnp.floor(place), 0, N - 2)
  sigma = lambda n: (ends[0] + n / (N - 1) * (ends[1] - ends[0])) ** RHO
  return sigma(n), sigma(n + 1)


def heun_step(denoise: Callable, x, s: NoiseLevel, t: NoiseLevel):
  """x [B, ...] by one step of Heun's rule on the ODE, from level t to s, both with alpha = 1."""
  step = align(s.sigma - t.sigma, x)
  slope = (x - denoise(x, t)) / align(t.sigma, x)
  euler = x + step * slope
  return x + step * (slope + (euler - denoise(euler, s)) / align(s.sigma, x)) / 2


def model(
  data,
  *,
  teacher: Model | None = None,
  sd: float = 0.5,
  mean: float = -1.1,
  spread: float = 2.0,
  low: float = 0.002,
  high: float = 80.0,
  network: Mapping = {"name": "unet"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """A consistency model of "image" or real "x" of standard deviation `sd`.

  It is distilled from a `teacher`, any diffusion model of the same data, if there is one, and
  starts from its weights if these have the same shapes. `sample` takes 1 step or more. The network:
  `_network.py`; its `condition` is dropped with probability `drop`.
  """
  space = space_of(data, condition, drop)
  init, apply = network_functions(space, network)

  def consistency(params, state, x, level: NoiseLevel, c={}, key=None):
    """f of x / alpha at sigma / alpha."""
    x = x / align(level.alpha, x)
    sigma = level.sigma / level.alpha
    c_skip, c_out, total = preconditioning(sigma, sd, low)
    out = apply(params, x / align(total, x), jnp.log(sigma), c, key)
    return align(c_skip, x) * x + align(c_out, x) * out

  def init_distilled(key, batch, frozen):
    own, _ = init(key, batch)
    weights, _ = frozen["teacher"]
    alike = jax.tree.map(jnp.shape, own) == jax.tree.map(jnp.shape, weights)
    # A copy, since training changes its own parameters in place.
    return jax.tree.map(jnp.copy, weights) if alike else own, {"frozen": frozen}

  def less_noisy(state, x0, eps, x, s: NoiseLevel, t: NoiseLevel, c):
    """x_n, for x = x_n+1."""
    if not teacher:
      return diffuse(x0, eps, s)
    frozen = state["frozen"]["teacher"]
    return heun_step(lambda x, level: teacher.parts["denoise"](*frozen, x, level, c), x, s, t)

  def loss(params, state, batch, key, train, N=40.0):
    k_drop, k_sigma, k_eps, k_dropout = jax.random.split(key, 4)
    k_dropout = k_dropout if train else None
    x0 = space.to_floats(batch)
    c = drop_condition(space.condition(batch, len(x0)), k_drop, drop if train else 0.0)
    log_sigma = mean + spread * jax.random.normal(k_sigma, (len(x0),))
    sigmas = neighbours(log_sigma, N, low, high)
    s, t = (NoiseLevel(jnp.ones_like(sigma), sigma) for sigma in sigmas)
    eps = jax.random.normal(k_eps, x0.shape)
    x = diffuse(x0, eps, t)
    goal = consistency(params, state, less_noisy(state, x0, eps, x, s, t, c), s, c, k_dropout)
    error = consistency(params, state, x, t, c, k_dropout) - jax.lax.stop_gradient(goal)
    offset = 0.00054 * space.dim**0.5
    squares = (error**2).reshape(len(x0), -1).sum(-1)
    distance = jnp.sqrt(squares + offset**2) - offset
    return distance / (t.sigma - s.sigma), ({}, {"distance": distance})

  def path(steps):
    """From high to data by way of steps - 1 levels between high and low."""
    return schedules.ending_in_data(schedules.edm(steps + 1, low, high).at(slice(0, steps)))

  start = init_distilled if teacher else init
  made = diffusion(space, start, loss, consistency, path, sampler="renoise", steps=1, sd=sd)
  # f is no posterior mean: neither the ODE nor guided denoising is its own.
  return made._replace(encode=None, decode=None, latents={}, parts={"consistency": consistency})
