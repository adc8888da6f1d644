"""Fully visible sigmoid belief network (Frey, Hinton & Dayan 1996): D logistic regressions.

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (num_values - 1)
  logits_i = bias_i + sum_{j<i} v_j weight_ji,   loss = -log p(x)

One product of v with a strictly triangular matrix gives all conditionals. This is the simplest
model of the family, without hidden units; NADE and MADE add them.

Departures: a softmax instead of the sigmoid for more than two values; Adam.

Errata of the slides: docs/errata.md#fvsbn
"""

import math

import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.autoregressive._chain import (
  Conditionals,
  chain,
  input_features,
  integer_field,
  network_inputs,
)
from genjax_zoo.prob.autoregressive import head


def model(data) -> Model:
  """An FVSBN of "image" or "x"; no hyperparameters. params: weight [D F, D, K], bias [D, K]."""
  _, field = integer_field(data)
  dim = math.prod(field.shape)
  K = head(field.num_values).outputs
  F = input_features(field)  # 1 input a dimension; num_values of unordered values.

  def init(key, batch):
    return {"weight": jnp.zeros((dim * F, dim, K)), "bias": jnp.zeros((dim, K))}, {}

  def every(params, x, context):
    v = network_inputs(x, field).reshape(-1, dim * F)
    j_before_i = jnp.repeat(jnp.triu(jnp.ones((dim, dim), bool), 1), F, axis=0)
    weight = jnp.where(j_before_i[:, :, None], params["weight"], 0.0)
    return (v @ weight.reshape(dim * F, -1)).reshape(-1, dim, K) + params["bias"][None]

  def one(params, carry, x, i, context):
    before_i = jnp.arange(dim) < i
    v = jnp.where(before_i, 1.0, 0.0)[None, :, None] * network_inputs(x, field)
    return v.reshape(-1, dim * F) @ params["weight"][:, i] + params["bias"][i][None], carry

  return chain(data, Conditionals(init, every, one))
