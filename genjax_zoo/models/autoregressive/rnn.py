"""A recurrent network over pixels (Cho et al. 2014, arXiv:1406.1078; Hochreiter & Schmidhuber
1997).

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (levels - 1)
  state_i = cell(state_{i-1}, [v_{i-1}, place_i]),   numbers_i = head(state_i);   loss = -log p(x)

The state sums up all the past in a fixed size, and the same weights serve every pixel; training
goes back through all D steps. Sampling is the same recurrence, one step a pixel.

A deck (E, line 91) says that "RNNs are not autoregressive". They are: numbers_i depend on x_1 ..
x_{i-1} alone.

Departures: `place`, an embedding of the pixel's position, without which the network must count;
Adam.
"""

import math

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._chain import chain, integers
from genjax_zoo.prob.autoregressive import head

CELLS = {"gru": nn.GRUCell, "lstm": nn.OptimizedLSTMCell}


class Network(nn.Module):
  """(state, (v [B], i []) of the pixel before) -> (state, float32 numbers [B, K] of pixel i), one
  step.
  """

  cell: str
  hidden: int
  dim: int
  outputs: int

  @nn.compact
  def __call__(self, state, inputs):
    v, i = inputs
    place = self.param("place", nn.initializers.normal(0.1), (self.dim, self.hidden))
    x = nn.Dense(self.hidden, name="inputs")(v[:, None]) + place[i][None]
    state, h = CELLS[self.cell](self.hidden, name="cell")(state, x)
    return state, nn.Dense(self.outputs, name="head")(h)


def model(data, *, cell: str = "gru", hidden: int = 128, mixtures: int = 0) -> Model:
  """A `cell`, "gru" or "lstm", of `hidden` units over "image" or "x"; `mixtures` logistics instead
  of the softmax.
  """
  shape, _, levels = integers(data)[1][:3]
  if cell not in CELLS:
    raise UserError(f"unknown model.cell={cell!r}; there are {', '.join(CELLS)}")
  dim = math.prod(shape)
  options = cell, hidden, dim, head(levels, mixtures).outputs
  net = Network(*options)
  scan = nn.scan(Network, variable_broadcast="params", split_rngs={"params": False}, out_axes=1)(
    *options
  )

  def start(params, n):
    zeros = jnp.zeros((n, hidden))
    return (zeros, zeros) if cell == "lstm" else zeros

  def init(key, batch):
    return {"net": net.init(key, start({}, 1), (jnp.zeros(1), 0))["params"]}, {}

  def logits(params, x, context):
    v = jnp.pad(x / (levels - 1), ((0, 0), (1, 0)))[:, :-1]  # Nothing comes before the first.
    return scan.apply({"params": params["net"]}, start(params, len(x)), (v.T, jnp.arange(dim)))[1]

  def step(params, state, x, i, context):
    v = jnp.where(i > 0, x[:, i - 1] / (levels - 1), 0.0)
    state, out = net.apply({"params": params["net"]}, state, (v, i))
    return out, state

  return chain(data, init, logits, step, start, mixtures=mixtures)
