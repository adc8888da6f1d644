"""Langevin dynamics: samples of p(x) proportional to exp(-E(x)) from the slope of the energy E
alone.
"""

import jax
from jax import lax


def langevin(energy, x, key, steps: int, step_size, noise, project=lambda x: x):
  """x [B, ...] after `steps` of x <- project(x - step_size / 2 grad E(x) + noise * eps), eps ~ N(0,
  I).

  `energy` maps [B, ...] to [B], one example at a time. With noise = sqrt(step_size) and a small
  step the chain's law goes to exp(-E) (Welling & Teh 2011); a smaller noise is that of a lower
  temperature, noise² / step_size.
  """

  def step(x, key):
    slope = jax.grad(lambda x: energy(x).sum())(x)
    return project(
      x - step_size / 2 * slope + noise * jax.random.normal(key, x.shape, x.dtype)
    ), None

  return lax.scan(step, x, jax.random.split(key, steps))[0]
