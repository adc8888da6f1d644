"""Masked autoencoder for distribution estimation (MADE, Germain et al. 2015, arXiv:1502.03509).

An autoencoder becomes autoregressive when masks remove every path from input j to output i, unless
j comes before i:

  degree(x_d) = its position in an order; degree(hidden unit) = m
  units feed a hidden unit where their degree <= m, and output d where it is < degree(x_d)
  p(x) = prod_d p(x_d | x of lower degree),   loss = -log p(x)

One pass gives all conditionals. The order is arbitrary: "random" is better than "raster" on images.
With M = `masks` > 1 a training step uses one of M sets of orders and degrees (order-agnostic
training), and the model is their mixture:

  p(x) = 1/M sum_m p_m(x)

Departures: Adam.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._chain import (
  input_features,
  integer_field,
  network_inputs,
  pick_from,
)
from genjax_zoo.nn.masked import MaskedMLP, draw_degrees
from genjax_zoo.prob.autoregressive import ancestral, fixed_values, head, sampler
from genjax_zoo.prob.distributions import log_mean_exp


def draw_masks(seed: int, masks: int, dim: int, hidden: tuple[int, ...], raster: bool):
  """The degrees of `masks` MADEs, layer by layer: [M, dim], [M, hidden_1], .."""
  rng = np.random.default_rng(seed)
  sets = [draw_degrees(rng, dim, hidden, raster) for _ in range(masks)]
  return [np.stack(layer) for layer in zip(*sets)]


def model(
  data,
  *,
  hidden: tuple[int, ...] = (500,),
  order: str = "random",
  masks: int = 1,
  direct: bool = True,
  seed: int = 0,
  dtype: str = "float32",
) -> Model:
  """A MADE of "image" or "x": layers of `hidden` ReLUs, `direct` connections, `masks` orders.

  `seed` draws orders and degrees. With `order` = "raster" all masks have the raster order and
  differ in the degrees of their hidden units.
  """
  if order not in ("raster", "random"):
    raise UserError(f"unknown model.order={order!r}; there are raster, random")
  if masks < 1:
    raise UserError(f"model.masks={masks}: a MADE has at least one")
  name, field = integer_field(data)
  dim = math.prod(field.shape)
  distribution = head(field.num_values)
  net = MaskedMLP(hidden, distribution.outputs, direct, dtype=dtype)
  degrees = draw_masks(seed, masks, dim, hidden, order == "raster")

  def init(key, batch):
    blank = jnp.zeros((1, dim * input_features(field)))
    return {"net": net.init(key, blank, [layer[0] for layer in degrees])["params"]}, {}

  def conditionals(params, x, m=0):
    """Outputs [B, D, K] of integers x [B, D] with mask m."""
    v = network_inputs(x, field).reshape(len(x), -1)
    return net.apply({"params": params["net"]}, v, [jnp.asarray(layer)[m] for layer in degrees])

  def component(params, batch, m):
    """log p_m(x), nats [B]."""
    x = batch[name].reshape(-1, dim).astype(jnp.int32)
    return distribution.log_prob(x, conditionals(params, x, m)).sum(-1)

  def log_prob(params, state, batch, key):
    components = jax.lax.map(lambda m: component(params, batch, m), jnp.arange(masks))
    return log_mean_exp(components)

  def loss(params, state, batch, key, train):
    if not train:
      return -log_prob(params, state, batch, key), ({}, {})
    m = jax.random.randint(key, (), 0, masks)
    return -component(params, batch, m), ({}, {})

  def sample_log_prob(params, state, key, n, given={}, temperature=1.0, top_k=0, top_p=None, m=0):
    """Samples in the order of mask m and the log-probability of drawing them, nats [n]."""
    conditional = pick_from(lambda x: conditionals(params, x, m))
    choose = sampler(distribution, temperature=temperature, top_k=top_k, top_p=top_p)
    x, keep = fixed_values(given, name, n, field.shape)
    positions = jnp.argsort(jnp.asarray(degrees[0])[m])
    x, nats = ancestral(key, conditional, (), x, keep, choose, positions)
    return {name: x.reshape(n, *field.shape).astype(field.dtype)}, nats

  def sample(params, state, key, n, given={}, temperature=1.0, top_k=0, top_p=None):
    """Samples, all in one random order; completions and options as in `_chain.chain`."""
    k_m, k_x = jax.random.split(key)
    m = jax.random.randint(k_m, (), 0, masks)
    return sample_log_prob(params, state, k_x, n, given, temperature, top_k, top_p, m)[0]

  return Model(
    init,
    loss,
    sample,
    log_prob,
    likelihood={"exact": "exact"},
    calls=lambda **options: dim,  # Each dimension waits for those before it.
    parts={
      "conditionals": lambda params, state, x, context: conditionals(params, x),
      "sample_log_prob": sample_log_prob,
    },
  )
