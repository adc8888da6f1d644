"""Pairs of noise and data: which to take, and how straight the ways between them are."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from genjax_zoo.prob.schedules import flow


def optimal_pairs(x, eps):
  """eps [B, ...] in the order in which sum_i |x_i - eps_i|² is the least, by the Hungarian
  algorithm.

  Minibatch optimal transport (Pooladian 2023, arXiv:2304.14772; Tong 2023, arXiv:2302.00482).
  O(B³).
  """
  a, b = x.reshape(len(x), -1), eps.reshape(len(eps), -1)
  # |a - b|² but for what the order can't change.
  rows, columns = optax.assignment.hungarian_algorithm(-(a @ b.T))
  return eps[columns[jnp.argsort(rows)]]


def straightness(denoise: Callable, eps, steps: int = 100):
  """int_0^1 E|eps - x_0 - v(x_t, t)|² dt / D along the flow's own ways from eps to x_0: 0 if they
  are straight lines.

  (Liu 2022, arXiv:2209.03003, section 2.2.) v = eps_hat - x0_hat, `denoise(x, level) -> x0_hat`.
  """
  t = jnp.linspace(1.0, 0.0, steps + 1)[:-1]

  def step(x, t):
    level = flow(t)
    x0 = denoise(x, level)
    v = (x - x0) / t  # = eps_hat - x0_hat on alpha = 1 - t, sigma = t.
    return x - v / steps, v

  x0, v = jax.lax.scan(step, eps, t)
  return jnp.mean((v - (eps - x0)[None]) ** 2)
