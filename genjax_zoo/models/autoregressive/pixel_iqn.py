"""PixelIQN: an autoregressive implicit quantile network (Ostrovski et al. 2018, arXiv:1806.05575).

  x_i = floor(levels Q(tau_i | x_1 .. x_{i-1})),   tau_i ~ U(0, 1)
  Q = tau_i + linear(relu(linear(e_i phi(tau_i)))),   phi(tau) = relu(linear([cos(pi j tau)]_j)),   j = 0 .. 63

e_i are what a gated PixelCNN (`gated_pixelcnn`) says of pixel i and channel. Q is learned as every
quantile at once:
  loss = sum_i rho(y_i - Q(tau_i | ..), tau_i),   y = (x + u) / levels,   u ~ U(0, 1)
  rho(d, tau) = |tau - [d < 0]| huber(d) / kappa,   huber(d) = d^2 / 2 if |d| <= kappa, else kappa (|d| - kappa / 2)

The least expected rho(y - q, tau) has the tau-quantile of y as its q, but for the Huber's rounding
by kappa; it is a transport of U(0, 1) to x_i, whose metric is that of the Wasserstein distance, not
a likelihood: there is no `log_prob`.

Departures: Q starts as tau; u spreads a gray level over its cell, so that quantiles are unique; tau
enters the head alone, where the paper's enters each block.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.autoregressive._chain import image_shape, one_of_all, pixels
from genjax_zoo.models.autoregressive.gated_pixelcnn import Network
from genjax_zoo.prob.autoregressive import ancestral, known

COSINES = 64


def quantile_huber(d, tau, kappa: float):
  """rho(d, tau), elementwise (eq. 4)."""
  huber = jnp.where(jnp.abs(d) <= kappa, d**2 / 2, kappa * (jnp.abs(d) - kappa / 2))
  return jnp.abs(tau - (d < 0)) * huber / kappa


class Quantile(nn.Module):
  """e [..., E], tau [...] -> Q [...], tau at first: a uniform law."""

  @nn.compact
  def __call__(self, e, tau):
    E = e.shape[-1]
    angles = jnp.pi * tau[..., None] * jnp.arange(COSINES).reshape(*[1] * tau.ndim, COSINES)
    h = nn.relu(nn.Dense(E)(e * nn.relu(nn.Dense(E)(jnp.cos(angles)))))
    return tau + nn.Dense(1, kernel_init=nn.initializers.zeros)(h)[..., 0]


def model(
  data,
  *,
  width: int = 64,
  layers: int = 7,
  kernel: int = 3,
  first: int = 7,
  embedding: int = 64,
  conditional: bool = False,
  kappa: float = 0.002,
  dtype: str = "float32",
) -> Model:
  """A PixelIQN of "image", over a gated PixelCNN of the same options that says `embedding` numbers
  of each channel.
  """
  shape, levels, classes = image_shape(data, width, conditional)
  kind, dim = data["image"].dtype, shape[0] * shape[1] * shape[2]
  net = Network(width, layers, kernel, first, shape[-1], embedding, classes, dtype)
  (init_net, embed, step, start), quantile = pixels(data, net, conditional), Quantile()

  def init(key, batch):
    k_net, k_quantile = jax.random.split(key)
    params, state = init_net(k_net, batch)
    blank = jnp.zeros((1, embedding)), jnp.zeros(1)
    return params | {"quantile": quantile.init(k_quantile, *blank)["params"]}, state

  def Q(params, e, tau):
    return quantile.apply({"params": params["quantile"]}, e, tau)

  def loss(params, state, batch, key, train):
    x = batch["image"].reshape(-1, dim).astype(jnp.int32)
    u, tau = jax.random.uniform(key, (2, *x.shape))
    return quantile_huber(
      (x + u) / levels - Q(params, embed(params, x, batch), tau), tau, kappa
    ).sum(-1), ({}, {})

  def sample(params, state, key, n, given={}, cached=True):
    """Samples; completions of given["image"], see `prob.autoregressive.known`; the whole net anew
    if not `cached`.
    """
    one, carry = one_of_all(lambda x: embed(params, x, given)), ()
    if cached:
      one, carry = lambda carry, x, i: step(params, carry, x, i, given), start(params, n)

    def choose(key, e):
      x = jnp.floor(levels * Q(params, e, jax.random.uniform(key, (n,))))
      return jnp.clip(x, 0, levels - 1).astype(jnp.int32), jnp.zeros(n)

    x, _ = ancestral(key, one, carry, *known(given, "image", n, shape), choose)
    return {"image": x.reshape(n, *shape).astype(kind)}

  given, calls = (("label",) if conditional else ()), lambda **options: dim
  return Model(
    init, loss, sample, given=given, calls=calls, parts={"numbers": embed, "quantile": Q}
  )
