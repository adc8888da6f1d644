"""PixelIQN: an autoregressive implicit quantile network (Ostrovski et al. 2018, arXiv:1806.05575).

  x_i = floor(num_values Q(tau_i | x_1 .. x_{i-1})),   tau_i ~ U(0, 1)
  Q = tau_i + linear(relu(linear(e_i phi(tau_i))))
  phi(tau) = relu(linear([cos(pi j tau)]_j)),   j = 0 .. 63

e_i are the outputs of a gated PixelCNN (`gated_pixelcnn`) for dimension i. Q is learned at all
quantiles tau at once, by quantile regression:

  loss = sum_i rho(y_i - Q(tau_i | ..), tau_i),   y = (x + u) / num_values,   u ~ U(0, 1)
  rho(d, tau) = |tau - [d < 0]| huber(d) / kappa
  huber(d) = d^2 / 2 if |d| <= kappa, else kappa (|d| - kappa / 2)

The q that minimizes E rho(y - q, tau) is the tau-quantile of y, up to the Huber's rounding by
kappa. Quantiles transport U(0, 1) to x_i and minimize a Wasserstein distance, not the negative
log-likelihood: there is no `log_prob`.

Departures: Q starts as tau; uniform dequantization by u makes the quantiles unique; tau enters the
head only, where the paper's enters each block.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models._condition import condition_fields, label_classes
from genjax_zoo.models.autoregressive._chain import (
  image_conditionals,
  image_field,
  require_ordered,
  sampling_conditional,
)
from genjax_zoo.models.autoregressive.gated_pixelcnn import Network
from genjax_zoo.prob.autoregressive import ancestral, fixed_values

COSINES = 64


def quantile_huber(d, tau, kappa: float):
  """rho(d, tau), elementwise (eq. 4)."""
  huber = jnp.where(jnp.abs(d) <= kappa, d**2 / 2, kappa * (jnp.abs(d) - kappa / 2))
  return jnp.abs(tau - (d < 0)) * huber / kappa


class Quantile(nn.Module):
  """e [..., E], tau [...] -> Q [...]; tau itself at first, a uniform distribution."""

  @nn.compact
  def __call__(self, e, tau):
    E = e.shape[-1]
    j = jnp.arange(COSINES).reshape(*[1] * tau.ndim, COSINES)
    cosines = jnp.cos(jnp.pi * tau[..., None] * j)
    # The outer layer is made first: Dense_0 in checkpoints.
    outer = nn.Dense(E)
    phi = nn.relu(nn.Dense(E)(cosines))
    h = nn.relu(outer(e * phi))
    return tau + nn.Dense(1, kernel_init=nn.initializers.zeros)(h)[..., 0]


def to_integers(Q, num_values: int):
  """floor(num_values Q), int32 in [0, num_values); Q itself may lie outside of [0, 1)."""
  return jnp.clip(jnp.floor(num_values * Q), 0, num_values - 1).astype(jnp.int32)


def model(
  data,
  *,
  width: int = 64,
  layers: int = 7,
  kernel: int = 3,
  first: int = 7,
  embedding: int = 64,
  condition: tuple[str, ...] = (),
  kappa: float = 0.002,
  dtype: str = "float32",
) -> Model:
  """A PixelIQN of "image", over a gated PixelCNN with these options and `embedding` outputs.

  Raises UserError for unordered values, which have no quantiles.
  """
  field = image_field(data, width)
  require_ordered(field, "a PixelIQN")
  fields = condition_fields(data, condition)
  dim = math.prod(field.shape)
  classes = label_classes(fields)
  net = Network(width, layers, kernel, first, field.shape[-1], embedding, classes, dtype)
  embed = image_conditionals(data, net, fields)
  quantile = Quantile()

  def init(key, batch):
    k_net, k_quantile = jax.random.split(key)
    params, state = embed.init(k_net, batch)
    blank = jnp.zeros((1, embedding)), jnp.zeros(1)
    return params | {"quantile": quantile.init(k_quantile, *blank)["params"]}, state

  def Q(params, e, tau):
    return quantile.apply({"params": params["quantile"]}, e, tau)

  def loss(params, state, batch, key, train):
    x = batch["image"].reshape(-1, dim).astype(jnp.int32)
    u, tau = jax.random.uniform(key, (2, *x.shape))
    y = (x + u) / field.num_values
    e = embed.every(params, x, batch)
    return quantile_huber(y - Q(params, e, tau), tau, kappa).sum(-1), ({}, {})

  def sample(params, state, key, n, given={}, cached=True):
    """Samples; completions of given["image"], see `fixed_values`."""
    conditional, carry = sampling_conditional(embed, params, n, given, cached)

    def choose(key, e):
      tau = jax.random.uniform(key, (n,))
      return to_integers(Q(params, e, tau), field.num_values), jnp.zeros(n)  # No likelihood.

    x, keep = fixed_values(given, "image", n, field.shape)
    x, _ = ancestral(key, conditional, carry, x, keep, choose)
    return {"image": x.reshape(n, *field.shape).astype(field.dtype)}

  def conditionals(params, state, x, context):
    return embed.every(params, x, context)

  def quantiles(params, state, x, tau, context):
    return to_integers(Q(params, embed.every(params, x, context), tau), field.num_values)

  return Model(
    init,
    loss,
    sample,
    given=fields,
    calls=lambda **options: dim,
    parts={"conditionals": conditionals, "quantiles": quantiles},
  )
