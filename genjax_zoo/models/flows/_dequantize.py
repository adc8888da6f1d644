"""Dequantization: noise u in [0, 1)^D, so that a density of real numbers bounds p of integers.

  log p(x) >= E_q log p((x + u) / num_values) - D log num_values - log q(u | x)

Uniform noise has log q = 0 (Theis et al. 2016, arXiv:1511.01844). The gap of the bound is
KL(q(u | x) || p(u | x)); variational dequantization (Flow++, arXiv:1902.00275, 3.1) learns q to
narrow it.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, UserError
from genjax_zoo.models._form import to_floats
from genjax_zoo.nn.conditioner import ConvConditioner
from genjax_zoo.prob.bijectors import Bijector, chain, checkerboard, coupling, elementwise, repeat
from genjax_zoo.prob.distributions import in_line
from genjax_zoo.prob.univariate import affine, sigmoid

COUPLINGS = 4
WIDTH = 32


class Noise(NamedTuple):
  """A distribution q(u | x)."""

  init: Callable  # key -> params
  sample: Callable  # (params, x [B, *shape], key) -> (u [B, *shape], log q(u | x) [B])


def uniform(field: Field) -> Noise:
  """u ~ U[0, 1)^D for integers; u = 0 for real numbers, which need no noise."""

  def sample(params, x, key):
    u = in_line(jax.random.uniform, key, x.shape) if field.num_values else 0.0
    return u, 0.0

  return Noise(lambda key: {}, sample)


def variational(field: Field) -> Noise:
  """u = sigmoid(g(eps; x)) for images, eps logistic, g checkerboard couplings that also see x.

  They start as the identity, that is, u starts uniform. Raises UserError for other data.
  """
  if len(field.shape) != 3 or not field.num_values:
    raise UserError("model.dequantization='variational' needs integer images [H, W, C]")
  height, width, channels = field.shape
  net = ConvConditioner(WIDTH, 1, (channels, 2))

  def init(key):
    inputs = jnp.zeros((1, height, width, 2 * channels))
    one = lambda key: net.init(key, inputs)["params"]
    return {"dequantizer": jax.vmap(one)(jax.random.split(key, COUPLINGS))}

  def sample(params, x, key):
    g = chain(couplings(params["dequantizer"], net, to_floats(x, field)), elementwise(sigmoid()))
    eps = jax.random.logistic(key, x.shape, float)
    u, log_det = g.forward_and_log_det(eps)
    log_eps = -jax.nn.softplus(eps) - jax.nn.softplus(-eps)  # The logistic density.
    return u, log_eps.reshape(len(x), -1).sum(-1) - log_det

  return Noise(init, sample)


def couplings(params, net: ConvConditioner, x) -> Bijector:
  """Alternating checkerboard couplings of noise, whose network `net` also gets x [B, H, W, C]."""

  def layer(p):
    p, even = p
    conditioner = lambda fixed: net.apply({"params": p}, jnp.concatenate([fixed, x], -1))
    return coupling(checkerboard(even), affine, conditioner)

  return repeat(layer, (params, jnp.arange(COUPLINGS) % 2 == 0))


NOISES = {"uniform": uniform, "variational": variational}
