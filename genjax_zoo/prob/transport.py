"""Pairs of noise and data: which to couple, and how straight the trajectories between them are."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from genjax_zoo.prob.schedules import flow


def optimal_pairs(x, eps):
  """eps [B, ...] in the order that minimises sum_i |x_i - eps_i|^2, by the Hungarian algorithm.

  Minibatch optimal transport (Pooladian 2023, arXiv:2304.14772; Tong 2023, arXiv:2302.00482), in
  O(B^3).
  """
  a = x.reshape(len(x), -1)
  b = eps.reshape(len(eps), -1)
  # |a - b|^2 = |a|^2 + |b|^2 - 2 a b: the order changes the last term alone.
  rows, columns = optax.assignment.hungarian_algorithm(-(a @ b.T))
  return eps[columns[jnp.argsort(rows)]]


def straightness(denoise: Callable, eps, steps: int = 100):
  """int_0^1 E|eps - x_0 - v(x_t, t)|^2 dt / D along trajectories from eps to x_0; 0 if straight.

  (Liu 2022, arXiv:2209.03003, section 2.2.) v = eps_hat - x0_hat, `denoise(x, level) -> x0_hat`.
  Trajectories are solved by Euler's method in `steps` steps.
  """
  times = jnp.linspace(1.0, 0.0, steps + 1)[:-1]

  def step(x, t):
    x0_hat = denoise(x, flow(t))
    v = (x - x0_hat) / t  # = eps_hat - x0_hat, since alpha = 1 - t and sigma = t.
    return x - v / steps, v

  x0, v = jax.lax.scan(step, eps, times)
  return jnp.mean((v - (eps - x0)[None]) ** 2)
