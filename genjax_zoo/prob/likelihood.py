"""The density of a diffusion model, by the change of variables along its probability-flow ODE.

Divided by alpha, x at any level (alpha, sigma) is x_0 + tau eps with tau = sigma / alpha, and moves
with

  dx / dlog tau = x - x0_hat(x, tau),   dlog p / dlog tau = -(D - tr dx0_hat/dx)

(Song 2020, arXiv:2011.13456, equation 39; Karras 2022, arXiv:2206.00364, equation 3). From data, at
tau = low, to noise, at high, where p is nearly N(0, high² I):

  log p(x) = log N(x_high; 0, high² I) + int_log(low)^log(high) (D - tr dx0_hat/dx) dlog tau

The trace is the mean of v' dx0_hat/dx v over random signs v (Hutchinson), unbiased, or a sum over
all D directions.
"""

from collections.abc import Callable
import math

import jax
import jax.numpy as jnp

from genjax_zoo.prob.schedules import NoiseLevel


def ode_log_prob(
  denoise: Callable, x, key, low: float, high: float, steps: int = 100, probes: int = 1
):
  """log p(x) of x [B, ...] at the noise tau = `low`, nats [B], by `steps` steps of the Runge-Kutta
  rule of order 4.

  `denoise(x, level) -> x0_hat` is called at levels (1, tau). The noise of the trace has `probes`
  directions for each example, the same all the way; 0 takes every direction of space instead, D
  evaluations for one and no noise.
  """
  shape, dim = x.shape, math.prod(x.shape[1:])
  if probes:
    v = jax.random.rademacher(key, (probes, *shape), x.dtype)
  else:
    v = jnp.broadcast_to(jnp.eye(dim, dtype=x.dtype)[:, None], (dim, len(x), dim)).reshape(
      dim, *shape
    )

  def rate(x, log_tau):
    """(dx, D - trace) / dlog tau."""
    f = lambda x: denoise(x, NoiseLevel(jnp.ones_like(log_tau), jnp.exp(log_tau)))
    x0, jvp = jax.linearize(f, x)
    along = (v * jax.vmap(jvp)(v)).reshape(len(v), len(x), -1).sum(-1)
    return x - x0, dim - (along.mean(0) if probes else along.sum(0))

  h = (math.log(high) - math.log(low)) / steps

  def step(carry, log_tau):
    (x, nats), middle = carry, log_tau + h / 2
    a, p = rate(x, log_tau)
    b, q = rate(x + h / 2 * a, middle)
    c, r = rate(x + h / 2 * b, middle)
    d, s = rate(x + h * c, log_tau + h)
    return (x + h / 6 * (a + 2 * b + 2 * c + d), nats + h / 6 * (p + 2 * q + 2 * r + s)), None

  start = math.log(low) + h * jnp.arange(steps, dtype=x.dtype)
  (x, nats), _ = jax.lax.scan(step, (x, jnp.zeros(len(x), x.dtype)), start)
  squared = (x**2).reshape(len(x), -1).sum(-1) / high**2
  return nats - 0.5 * squared - dim * (math.log(high) + 0.5 * math.log(2 * math.pi))
