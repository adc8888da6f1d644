"""Neural autoregressive distribution estimator (Larochelle & Murray 2011; Uria et al. 2016,
arXiv:1605.02226).

FVSBN with hidden units, all D conditionals sharing one weight matrix:

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (levels - 1)
  a_i = c + sum_{j<i} v_j W_j,   h_i = relu(a_i),   logits_i = b_i + h_i V_i
  loss = -log p(x)

a_{i+1} = a_i + v_i W_i: with h hidden units one image costs O(D h) to score, and as much to sample.

The gradient walks back along the same chain: a_i = a_{i+1} - v_i W_i recovers the activations, so
that none of the D is stored. On the CPU this is 3 to 8 times faster than differentiating the scan.

Departures: ReLU for the sigmoid; a softmax for more than two levels; Adam.
"""

import math

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.autoregressive._chain import chain, integers
from genjax_zoo.prob.autoregressive import head


@jax.custom_vjp
def nade(v, W, c, V, b):
  """Logits [D, B, K] of v [D, B]; W [D, h], c [h], V [D, h, K], b [D, K]."""
  return forward(v, W, c, V, b)[0]


def forward(v, W, c, V, b):
  """(logits of `nade`, what `backward` needs): the last a alone, from which those before it are
  computed again.
  """

  def step(a, inputs):
    v, W, V, b = inputs
    return a + v[:, None] * W[None], jax.nn.relu(a) @ V + b[None]

  a, logits = jax.lax.scan(step, jnp.broadcast_to(c, (v.shape[1], len(c))), (v, W, V, b))
  return logits, (a, v, W, V)


def backward(residuals, d_logits):
  """The gradients in (v, W, c, V, b) of d_logits [D, B, K], each of its shape: memory does not grow
  with D.
  """
  a, v, W, V = residuals

  def step(carry, inputs):
    a, d_a = carry  # a_{i+1} and the gradient of the loss in it.
    v, W, V, d_logits = inputs
    d_v, d_W = d_a @ W, v @ d_a
    a = a - v[:, None] * W[None]
    d_V = jax.nn.relu(a).T @ d_logits
    d_a = d_a + jnp.where(a > 0, d_logits @ V.T, 0.0)
    return (a, d_a), (d_v, d_W, d_V)

  (_, d_a), (d_v, d_W, d_V) = jax.lax.scan(
    step, (a, jnp.zeros_like(a)), (v, W, V, d_logits), reverse=True
  )
  return d_v, d_W, d_a.sum(0), d_V, d_logits.sum(1)


nade.defvjp(forward, backward)


def model(data, *, hidden: int = 500) -> Model:
  """A NADE of "image" or "x" with `hidden` units. params: W [D, h], c [h], V [D, h, K], b [D, K]."""
  shape, _, levels = integers(data)[1][:3]
  dim, k = math.prod(shape), head(levels).outputs

  def init(key, batch):
    k_w, k_v = jax.random.split(key)
    return {
      "W": jax.random.normal(k_w, (dim, hidden)) / math.sqrt(dim),
      "c": jnp.zeros(hidden),
      "V": jax.random.normal(k_v, (dim, hidden, k)) / math.sqrt(hidden),
      "b": jnp.zeros((dim, k)),
    }, {}

  def logits(params, x, context):
    return nade((x / (levels - 1)).T, **params).swapaxes(0, 1)

  def start(params, n):
    return jnp.broadcast_to(params["c"], (n, hidden))

  def step(params, a, x, i, context):
    """a_{i-1} -> a_i, then logits_i; nothing comes before i = 0."""
    v = jnp.where(i > 0, x[:, i - 1] / (levels - 1), 0.0)
    a = a + v[:, None] * params["W"][i - 1][None]
    return jax.nn.relu(a) @ params["V"][i] + params["b"][i][None], a

  return chain(data, init, logits, step, start)
