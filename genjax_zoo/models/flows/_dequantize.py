"""Noise that fills the cells of integers: a density then bounds their probability.

  log p(x) >= E_q log p((x + u) / levels) - D log levels - log q(u | x),   u in [0, 1)^D

Uniform noise has log q = 0 (Theis et al. 2016, arXiv:1511.01844). The bound's gap is KL(q(u | x) ||
p(u | x)): noise that learns where the model wants it in the cell closes some of it (Flow++,
arXiv:1902.00275, 3.1).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import UserError
from genjax_zoo.nn.conditioner import ConvConditioner
from genjax_zoo.prob.bijectors import chain, checkerboard, coupling, elementwise, repeat
from genjax_zoo.prob.univariate import affine, sigmoid


class Noise(NamedTuple):
  """A law of u given x."""

  init: Callable  # key -> params
  draw: Callable  # (params, x [B, *shape], key) -> (u [B, *shape], log q(u | x) [B])


def none() -> Noise:
  """For real numbers: no noise."""
  return Noise(lambda key: {}, lambda params, x, key: (0.0, 0.0))


def uniform() -> Noise:
  """u ~ U[0, 1)^D."""
  return Noise(
    lambda key: {}, lambda params, x, key: (jax.random.uniform(key, x.shape, float), 0.0)
  )


def variational(shape, levels: int, couplings: int = 4, width: int = 32) -> Noise:
  """u = sigmoid(g(eps; x)), g checkerboard couplings that see the image x too, eps logistic:
  uniform at first.

  Raises UserError for what isn't images of integers.
  """
  if len(shape) != 3 or not levels:
    raise UserError("model.dequantization='variational' wants integer images [H, W, C]")
  net = ConvConditioner(width, 1, (shape[-1], 2))

  def init(key):
    step = lambda key: net.init(key, jnp.zeros((1, *shape[:-1], 2 * shape[-1])))["params"]
    return {"dequantizer": jax.vmap(step)(jax.random.split(key, couplings))}

  def draw(params, x, key):
    v = 2 * x / (levels - 1) - 1

    def layer(p):
      p, even = p
      return coupling(
        checkerboard(even),
        affine,
        lambda kept: net.apply({"params": p}, jnp.concatenate([kept, v], -1)),
      )

    steps = repeat(layer, (params["dequantizer"], jnp.arange(couplings) % 2 == 0))
    eps = jax.random.logistic(key, x.shape, float)
    u, log_det = chain(steps, elementwise(sigmoid())).forward_and_log_det(eps)
    log_eps = -jax.nn.softplus(eps) - jax.nn.softplus(-eps)
    return u, log_eps.reshape(len(x), -1).sum(-1) - log_det

  return Noise(init, draw)


NOISES = {
  "uniform": lambda shape, levels: uniform() if levels else none(),
  "variational": variational,
}
