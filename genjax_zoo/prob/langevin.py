"""Langevin dynamics: samples of p(x) proportional to exp(-E(x)) from the gradient of E alone."""

import jax
from jax import lax


def langevin(energy, x, key, steps: int, step_size, noise, project=lambda x: x):
  """x [B, ...] after `steps` updates, each with eps ~ N(0, I).

    x <- project(x - step_size / 2 grad E(x) + noise * eps)

  `energy` maps [B, ...] to [B], each example on its own. With noise = sqrt(step_size) and small
  steps the chain's distribution tends to exp(-E) / Z (Welling & Teh 2011); a smaller noise samples
  at the temperature noise² / step_size.
  """

  def step(x, key):
    gradient = jax.grad(lambda x: energy(x).sum())(x)
    eps = jax.random.normal(key, x.shape, x.dtype)
    return project(x - step_size / 2 * gradient + noise * eps), None

  x, _ = lax.scan(step, x, jax.random.split(key, steps))
  return x
