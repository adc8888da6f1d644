"""Masked autoencoder for distribution estimation (Germain et al. 2015, arXiv:1502.03509).

An autoencoder becomes autoregressive when masks cut every path from input j to output i, unless j
comes before i:

  degree(x_d) = its place in an order; degree(hidden unit) = m;
  inputs and hidden units feed a hidden unit where degree <= m, and output d where degree < degree(x_d)
  p(x) = prod_d p(x_d | x of lower degree),   loss = -log p(x)

One pass gives all conditionals. The order is arbitrary: "random" beats "raster" on images, and with
M = `masks` > 1 a training step takes one of M sets of orders and degrees (order-agnostic training),
and the model is their mixture:

  p(x) = 1/M sum_m p_m(x)

Departures: Adam.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._chain import integers, one_of_all
from genjax_zoo.nn.masked import MaskedMLP, draw_degrees
from genjax_zoo.prob.autoregressive import ancestral, choose, head, known
from genjax_zoo.prob.distributions import log_mean_exp


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
  """A MADE of "image" or "x": layers of `hidden` ReLUs, `direct` connections, `masks` orders drawn
  by `seed`.

  With `order` = "raster" all masks have the raster order and differ in the degrees of their hidden
  units.
  """
  name, field = integers(data)
  shape, form, levels = field[:3]
  if order not in ("raster", "random"):
    raise UserError(f"unknown model.order={order!r}; there are raster, random")
  if masks < 1:
    raise UserError(f"model.masks={masks}: a MADE has at least one")
  dim, rng = math.prod(shape), np.random.default_rng(seed)
  law = head(levels)
  net = MaskedMLP(hidden, law.outputs, direct, dtype=dtype)
  sets = [draw_degrees(rng, dim, hidden, order == "raster") for _ in range(masks)]
  degrees = [np.stack(layer) for layer in zip(*sets)]  # [M, D], [M, hidden_1], ..

  def init(key, batch):
    return {"net": net.init(key, jnp.zeros((1, dim)), sets[0])["params"]}, {}

  def logits(params, x, m=0):
    """[B, D, K] of integers x [B, D] under the masks m."""
    return net.apply(
      {"params": params["net"]}, x / (levels - 1), [jnp.asarray(d)[m] for d in degrees]
    )

  def component(params, batch, m):
    """log p_m(x), nats [B]."""
    x = batch[name].reshape(-1, dim).astype(jnp.int32)
    return law.log_prob(x, logits(params, x, m)).sum(-1)

  def log_prob(params, state, batch, key):
    """log p(x), nats [B]."""
    return log_mean_exp(jax.lax.map(lambda m: component(params, batch, m), jnp.arange(masks)))

  def loss(params, state, batch, key, train):
    if not train:
      return -log_prob(params, state, batch, key), ({}, {})
    return -component(params, batch, jax.random.randint(key, (), 0, masks)), ({}, {})

  def draw(params, state, key, n, given={}, temperature=1.0, top_k=0, top_p=None, m=0):
    """(batch, nats [B]): samples in the order m, and the log-probability of drawing them."""
    sequence = jnp.argsort(jnp.asarray(degrees[0])[m])
    chosen = choose(law, temperature=temperature, top_k=top_k, top_p=top_p)
    step = one_of_all(lambda x: logits(params, x, m))
    x, nats = ancestral(key, step, (), *known(given, name, n, shape), chosen, sequence)
    return {name: x.reshape(n, *shape).astype(form)}, nats

  def sample(params, state, key, n, given={}, temperature=1.0, top_k=0, top_p=None):
    """Samples, all in one order drawn anew; completions and options as in `prob.autoregressive`."""
    k_m, k_x = jax.random.split(key)
    m = jax.random.randint(k_m, (), 0, masks)
    return draw(params, state, k_x, n, given, temperature, top_k, top_p, m)[0]

  parts = {"numbers": lambda params, x, context: logits(params, x), "draw": draw}
  calls = lambda **options: dim  # Each dimension waits for those before it.
  return Model(
    init, loss, sample, log_prob, likelihood={"exact": "exact"}, calls=calls, parts=parts
  )
