"""A fixed window: one network predicts each dimension from the few before it (Bengio et al. 2003,
JMLR 3:1137-1155).

  p(x) = prod_i p(x_i | x_{i-w} .. x_{i-1}),   logits_i = mlp([v_{i-w}, .., v_{i-1}], place_i),   v = x / (levels - 1)
  loss = -log p(x)

The same weights slide along the raster order. What is older than the window is forgotten, and the
first layer grows with it: the deck's "large input: too complex model", which recurrence, masks and
convolutions cure.

Departures: gray levels are numbers, not embedded words. Outside the image v is 0, with a second
input for each v that says whether it is inside; and the first layer has a bias for each dimension,
`place`, without which the network can't know where a row starts.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.autoregressive._chain import chain, integers
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob.autoregressive import head


class Network(nn.Module):
  """Windows [B, N, 2 w], whose last dimension comes before i [N] of `dim` -> logits [B, N, K]."""

  dim: int
  hidden: tuple[int, ...]
  outputs: int
  dtype: str

  @nn.compact
  def __call__(self, windows, i):
    first, *rest = *self.hidden, self.outputs
    place = self.param("place", nn.initializers.zeros, (self.dim, first))
    h = nn.Dense(first, use_bias=False, dtype=self.dtype)(windows) + place[i][None]
    return MLP(tuple(rest), nn.relu, self.dtype)(nn.relu(h)) if rest else h


def model(
  data, *, window: int = 24, hidden: tuple[int, ...] = (256, 256), dtype: str = "float32"
) -> Model:
  """A network with layers of `hidden` units over the last `window` dimensions of "image" or "x"."""
  shape, _, levels = integers(data)[1][:3]
  dim = math.prod(shape)
  net = Network(dim, hidden, head(levels).outputs, dtype)

  def padded(x):
    """(v, inside) of `window` dimensions outside the image, then of x [B, D]: [B, window + D, 2]."""
    inputs = jnp.stack([x / (levels - 1), jnp.ones(x.shape)], -1)
    return jnp.pad(inputs, ((0, 0), (window, 0), (0, 0)))

  def init(key, batch):
    return {"net": net.init(key, jnp.zeros((1, dim, 2 * window)), jnp.arange(dim))["params"]}, {}

  def logits(params, x, context):
    i = jnp.arange(dim)
    windows = padded(x)[:, i[:, None] + jnp.arange(window)[None]]
    return net.apply({"params": params["net"]}, windows.reshape(-1, dim, 2 * window), i)

  def step(params, inputs, x, i, context):
    windows = jax.lax.dynamic_slice_in_dim(padded(x), i, window, 1).reshape(-1, 1, 2 * window)
    return net.apply({"params": params["net"]}, windows, i[None])[:, 0], inputs

  return chain(data, init, logits, step)
