"""A recurrent network over pixels: a GRU (Cho et al. 2014, arXiv:1406.1078) or an LSTM.

(Hochreiter & Schmidhuber 1997.)

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (num_values - 1)
  state_i = cell(state_{i-1}, [v_{i-1}, place_i]),   outputs_i = head(state_i),   loss = -log p(x)

The state summarizes the past in a fixed size, and all pixels share the weights. Training
backpropagates through all D steps. Sampling is the same recurrence, one step a pixel.

Departures: `place`, an embedding of the pixel's position, without which the network would have to
count; Adam.

Errata of the slides: docs/errata.md#rnn
"""

import math

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._chain import (
  Conditionals,
  chain,
  input_features,
  integer_field,
  network_inputs,
)
from genjax_zoo.prob.autoregressive import head

CELLS = {"gru": nn.GRUCell, "lstm": nn.OptimizedLSTMCell}


class Step(nn.Module):
  """(state, (v [B, F] of pixel i - 1, i [])) -> (state, float32 outputs [B, K] of pixel i)."""

  cell: str
  hidden: int
  dim: int
  outputs: int

  @nn.compact
  def __call__(self, state, inputs):
    v, i = inputs
    place = self.param("place", nn.initializers.normal(0.1), (self.dim, self.hidden))
    x = nn.Dense(self.hidden, name="inputs")(v) + place[i][None]
    state, h = CELLS[self.cell](self.hidden, name="cell")(state, x)
    return state, nn.Dense(self.outputs, name="head")(h)


# All steps: (state, (v [D, B, F], i [D])) -> (state, outputs [B, D, K]).
Steps = nn.scan(Step, variable_broadcast="params", split_rngs={"params": False}, out_axes=1)


def model(data, *, cell: str = "gru", hidden: int = 128, mixtures: int = 0) -> Model:
  """A recurrent `cell`, "gru" or "lstm", of `hidden` units over "image" or "x".

  `mixtures` logistics replace the softmax.
  """
  if cell not in CELLS:
    raise UserError(f"unknown model.cell={cell!r}; there are {', '.join(CELLS)}")
  _, field = integer_field(data)
  dim = math.prod(field.shape)
  sizes = cell, hidden, dim, head(field.num_values, mixtures).outputs
  step, steps = Step(*sizes), Steps(*sizes)

  def start(params, n):
    zeros = jnp.zeros((n, hidden))
    return (zeros, zeros) if cell == "lstm" else zeros

  def init(key, batch):
    blank = jnp.zeros((1, input_features(field))), 0
    return {"net": step.init(key, start({}, 1), blank)["params"]}, {}

  def every(params, x, context):
    v = network_inputs(x, field)
    before = jnp.pad(v, ((0, 0), (1, 0), (0, 0)))[:, :-1]  # Nothing comes before the first.
    inputs = before.swapaxes(0, 1), jnp.arange(dim)
    _, outputs = steps.apply({"params": params["net"]}, start(params, len(x)), inputs)
    return outputs

  def one(params, state, x, i, context):
    before = jnp.where(i > 0, network_inputs(x[:, i - 1], field), 0.0)
    state, outputs = step.apply({"params": params["net"]}, state, (before, i))
    return outputs, state

  return chain(data, Conditionals(init, every, one, start), mixtures=mixtures)
