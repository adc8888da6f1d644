"""The density of a diffusion model, by the change of variables along its probability-flow ODE.

Divided by alpha, x at a level (alpha, sigma) is x_0 + tau eps, tau = sigma / alpha, and follows

  dx / dlog tau = x - x0_hat(x, tau),   dlog p / dlog tau = -(D - tr dx0_hat/dx)

(Song 2020, arXiv:2011.13456, equation 39; Karras 2022, arXiv:2206.00364, equation 3). From data at
tau = low to noise at tau = high, where p is nearly N(0, high² I):

  log p(x) = log N(x_high; 0, high² I) + int_log(low)^log(high) (D - tr dx0_hat/dx) dlog tau

The trace is estimated without bias by the mean of v' dx0_hat/dx v over random signs v (Hutchinson),
or computed exactly, as the sum over all D unit vectors v.
"""

from collections.abc import Callable
import math

import jax
import jax.numpy as jnp

from genjax_zoo.prob.schedules import NoiseLevel


def ode_log_prob(
  denoise: Callable, x, key, low: float, high: float, steps: int = 100, probes: int = 1
):
  """log p(x), nats [B], of x [B, ...] at the noise level tau = `low`.

  By `steps` steps of the Runge-Kutta method of order 4, four evaluations each. `denoise(x, level)
  -> x0_hat` is called at levels (1, tau). The trace is estimated with `probes` random directions
  for each example, the same ones in all steps; 0 is the exact trace, at the cost of D directions.
  """
  v = directions(key, x, probes)
  dim = math.prod(x.shape[1:])

  def rate(x, log_tau):
    """(dx / dlog tau, D - trace): [B, ...] and [B]."""
    level = NoiseLevel(jnp.ones_like(log_tau), jnp.exp(log_tau))
    x0, jvp = jax.linearize(lambda x: denoise(x, level), x)
    products = (v * jax.vmap(jvp)(v)).reshape(len(v), len(x), -1).sum(-1)
    trace = products.mean(0) if probes else products.sum(0)
    return x - x0, dim - trace

  h = (math.log(high) - math.log(low)) / steps

  def step(carry, log_tau):
    x, nats = carry
    a, p = rate(x, log_tau)
    b, q = rate(x + h / 2 * a, log_tau + h / 2)
    c, r = rate(x + h / 2 * b, log_tau + h / 2)
    d, s = rate(x + h * c, log_tau + h)
    x = x + h / 6 * (a + 2 * b + 2 * c + d)
    nats = nats + h / 6 * (p + 2 * q + 2 * r + s)
    return (x, nats), None

  log_taus = math.log(low) + h * jnp.arange(steps, dtype=x.dtype)
  (x, nats), _ = jax.lax.scan(step, (x, jnp.zeros(len(x), x.dtype)), log_taus)
  # nats is now the integral; log N(x_high; 0, high² I) is added to it.
  squared = (x**2).reshape(len(x), -1).sum(-1) / high**2
  return nats - 0.5 * squared - dim * (math.log(high) + 0.5 * math.log(2 * math.pi))


def directions(key, x, probes: int):
  """Directions v [K, B, ...] for the trace: `probes` of random signs, or for 0 all unit vectors."""
  if probes:
    return jax.random.rademacher(key, (probes, *x.shape), x.dtype)
  dim = math.prod(x.shape[1:])
  unit = jnp.eye(dim, dtype=x.dtype)[:, None]
  return jnp.broadcast_to(unit, (dim, len(x), dim)).reshape(dim, *x.shape)
