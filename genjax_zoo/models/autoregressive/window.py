"""A fixed window: one network predicts each dimension from the few before it.

(Bengio et al. 2003, JMLR 3:1137-1155, of words.)

  p(x) = prod_i p(x_i | x_{i-w} .. x_{i-1}),   v = x / (num_values - 1)
  logits_i = mlp([v_{i-w}, .., v_{i-1}], place_i),   loss = -log p(x)

The same weights are used along the raster order. What lies before the window is lost, and the first
layer grows with the window; recurrence, masks and convolutions avoid both.

Departures: gray levels enter as real numbers, not as embedded words. Outside the image v is 0, and
a second input for each v says whether it is inside. The first layer has a bias for each dimension,
`place`: without it the network can't know where a row starts.

Errata of the slides: docs/errata.md#window
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.autoregressive._chain import (
  Conditionals,
  chain,
  input_features,
  integer_field,
  network_inputs,
)
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob.autoregressive import head


class Network(nn.Module):
  """Windows [B, N, inputs], each before one of the dimensions i [N] -> logits [B, N, K]."""

  dim: int
  hidden: tuple[int, ...]
  outputs: int
  dtype: str

  @nn.compact
  def __call__(self, windows, i):
    first, *rest = *self.hidden, self.outputs
    place = self.param("place", nn.initializers.zeros, (self.dim, first))
    h = nn.Dense(first, use_bias=False, dtype=self.dtype)(windows) + place[i][None]
    # Without hidden layers the first is the last.
    return MLP(tuple(rest), nn.relu, self.dtype)(nn.relu(h)) if rest else h


def padded(x, field, window: int):
  """(v, inside) of `window` dimensions outside, then of x [B, D]: [B, window + D, F + 1]."""
  inside = jnp.ones((*x.shape, 1))
  inputs = jnp.concatenate([network_inputs(x, field), inside], -1)
  return jnp.pad(inputs, ((0, 0), (window, 0), (0, 0)))


def model(
  data, *, window: int = 24, hidden: tuple[int, ...] = (256, 256), dtype: str = "float32"
) -> Model:
  """A network with layers of `hidden` units over the last `window` dimensions of "image" or "x"."""
  _, field = integer_field(data)
  dim = math.prod(field.shape)
  inputs = window * (input_features(field) + 1)
  net = Network(dim, hidden, head(field.num_values).outputs, dtype)

  def init(key, batch):
    return {"net": net.init(key, jnp.zeros((1, dim, inputs)), jnp.arange(dim))["params"]}, {}

  def every(params, x, context):
    i = jnp.arange(dim)
    windows = padded(x, field, window)[:, i[:, None] + jnp.arange(window)[None]]
    return net.apply({"params": params["net"]}, windows.reshape(-1, dim, inputs), i)

  def one(params, carry, x, i, context):
    before_i = jax.lax.dynamic_slice_in_dim(padded(x, field, window), i, window, 1)
    logits = net.apply({"params": params["net"]}, before_i.reshape(-1, 1, inputs), i[None])
    return logits[:, 0], carry

  return chain(data, Conditionals(init, every, one))
