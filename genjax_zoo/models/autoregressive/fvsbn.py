"""Fully visible sigmoid belief network (Frey, Hinton & Dayan 1996): a logistic regression for each
dimension.

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   logits_i = bias_i + sum_{j<i} v_j weight_ji,   v = x / (levels - 1)
  loss = -log p(x)

All conditionals at once are one product of v with a strictly triangular matrix. There is no hidden
unit: this is the simplest model of the family, and the one that NADE and MADE add hidden units to.

Departures: a softmax instead of the sigmoid for more than two levels; Adam.

A deck (E, line 91) says that "RNNs are not autoregressive". They are: all that the chain rule asks
of a network is that logits_i depend on x_1 .. x_{i-1} alone, be it by a triangular matrix, a mask,
or a state that sums up the past.
"""

import math

import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.autoregressive._chain import chain, integers
from genjax_zoo.prob.autoregressive import head


def model(data) -> Model:
  """An FVSBN of "image" or "x"; it has no hyperparameters. params: weight [D, D, K], bias [D, K]."""
  shape, _, levels = integers(data)[1][:3]
  dim, k = math.prod(shape), head(levels).outputs

  def init(key, batch):
    return {"weight": jnp.zeros((dim, dim, k)), "bias": jnp.zeros((dim, k))}, {}

  def logits(params, x, context):
    v = x / (levels - 1)
    weight = jnp.where(jnp.triu(jnp.ones((dim, dim), bool), 1)[:, :, None], params["weight"], 0.0)
    return (v @ weight.reshape(dim, -1)).reshape(-1, dim, k) + params["bias"][None]

  def step(params, carry, x, i, context):
    v = jnp.where(jnp.arange(dim) < i, 1.0, 0.0)[None] * x / (levels - 1)
    return v @ params["weight"][:, i] + params["bias"][i][None], carry

  return chain(data, init, logits, step)
