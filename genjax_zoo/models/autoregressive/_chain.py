"""A `Model` from its conditionals: what the autoregressive models share."""

from collections.abc import Callable
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.prob.autoregressive import ancestral, choose, head, known


def integers(data) -> tuple[str, Field]:
  """The entry to model, "image" or "x", and its field. Raises UserError for real numbers."""
  name = "image" if "image" in data else "x"
  if not data[name].num_values:
    raise UserError(
      f"autoregressive models want integers and {name!r} are real numbers: take other data"
    )
  return name, data[name]


def one_of_all(numbers):
  """The `step` of `ancestral` that evaluates all conditionals to use one: numbers(x) -> [B, D, K]."""
  return lambda carry, x, i: (numbers(x)[:, i], carry)


def chain(
  data, init, logits, step=None, start=lambda params, n: (), given=(), mixtures: int = 0
) -> Model:
  """The model p(x) = prod_i p(x_i | numbers_i), of exact likelihood, `prob.autoregressive.head`
  telling the law.

  logits(params, x, context) -> numbers [B, D, K] of integers x [B, D], with batch or given entries
  as context. step(params, carry, x, i, context) -> (numbers [B, K], carry) is one conditional for
  sampling, cheaper than all; `start(params, n)` its first carry.
  """
  name, field = integers(data)
  shape, dtype, levels = field[:3]
  dim, law = math.prod(shape), head(levels, mixtures)

  def log_prob(params, state, batch, key):
    """log p(x), nats [B]."""
    x = batch[name].reshape(-1, dim).astype("int32")
    return law.log_prob(x, logits(params, x, batch)).sum(-1)

  def loss(params, state, batch, key, train):
    return -log_prob(params, state, batch, key), ({}, {})

  def draw(params, state, key, n, given={}, temperature=1.0, top_k=0, top_p=None, cached=True):
    """(batch, nats [B]): samples and the log-probability of drawing them; all conditionals anew if
    not `cached`.
    """
    if step is None or not cached:
      one, carry = one_of_all(lambda x: logits(params, x, given)), ()
    else:
      one, carry = lambda carry, x, i: step(params, carry, x, i, given), start(params, n)
    chosen = choose(law, temperature=temperature, top_k=top_k, top_p=top_p)
    x, nats = ancestral(key, one, carry, *known(given, name, n, shape), chosen)
    return {name: x.reshape(n, *shape).astype(dtype)}, nats

  def sample(params, state, key, n, given={}, temperature=1.0, top_k=0, top_p=None, cached=True):
    """Samples; completions of given[name], see `prob.autoregressive.known`; options of `restrict`
    there.
    """
    return draw(params, state, key, n, given, temperature, top_k, top_p, cached)[0]

  calls = lambda **options: dim  # Each dimension waits for those before it.
  parts = {"numbers": logits, "draw": draw}
  return Model(
    init,
    loss,
    sample,
    log_prob,
    likelihood={"exact": "exact"},
    given=given,
    calls=calls,
    parts=parts,
  )


def image_shape(data, width: int | None = None, conditional: bool = False):
  """((H, W, C), levels, classes) of "image". Raises UserError where the data or the width do not
  fit.
  """
  shape, _, levels = integers(data)[1][:3]
  if len(shape) != 3:
    raise UserError(f"this model wants images [H, W, C] and the data have the shape {shape}")
  if conditional and "label" not in data:
    raise UserError("model.conditional wants data with a 'label'")
  if width is not None and width < shape[-1]:
    raise UserError(f"model.width={width}: each of {shape[-1]} channels needs a feature")
  return shape, levels, data["label"].num_values if conditional else 0


class Pixels(NamedTuple):
  """What `chain` wants of a network over images."""

  init: Callable
  logits: Callable
  step: Callable
  start: Callable


def pixels(data, net, conditional: bool = False) -> Pixels:
  """The parts of a chain by a network over images, sampled with its caches.

  net(v, label) -> numbers [B, H, W, C, K] of v = x / (levels - 1). For sampling, rows(v, label,
  (row, None)) -> a tree of [B, 1, W, ..], of the row what depends on the rows above only; pixels(v,
  rows, label, (row, column)) -> the numbers of a pixel, [B, 1, 1, C, K]: both from the whole v and
  what the collection "cache" holds of the pixels before.
  """
  (H, W, C), levels, _ = image_shape(data, conditional=conditional)

  def inputs(x, context):
    return x.reshape(-1, H, W, C) / (levels - 1), context["label"] if conditional else None

  def blank(n):
    return jnp.zeros((n, H, W, C)), jnp.zeros(n, jnp.int32)

  def call(params, cache, *args, method):
    out, changed = net.apply(
      {"params": params["net"], "cache": cache}, *args, method=method, mutable=["cache"]
    )
    return out, cache | changed.get("cache", {})

  def init(key, batch):
    return {"net": net.init(key, *blank(1))["params"]}, {}

  def logits(params, x, context):
    return net.apply({"params": params["net"]}, *inputs(x, context)).reshape(len(x), H * W * C, -1)

  def start(params, n):
    """Empty caches, and rows of zeros."""
    zeros = lambda tree: jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), tree)
    cache = zeros(jax.eval_shape(lambda: net.init(jax.random.key(0), *blank(n)).get("cache", {})))
    return zeros(jax.eval_shape(lambda: call(params, cache, *blank(n), (0, None), method="rows")))

  def step(params, carry, x, i, context):
    v, label = inputs(x, context)
    (row, column), channel = jnp.divmod(i // C, W), i % C
    next_row = lambda rows, cache: call(params, cache, v, label, (row, None), method="rows")
    rows, cache = jax.lax.cond((column == 0) & (channel == 0), next_row, lambda *kept: kept, *carry)
    here = jax.tree.map(lambda r: jax.lax.dynamic_slice_in_dim(r, column, 1, 2), rows)
    out, cache = call(params, cache, v, here, label, (row, column), method="pixels")
    return out[:, 0, 0, channel], (rows, cache)

  return Pixels(init, logits, step, start)


def pixel_chain(data, net, *, conditional: bool = False, mixtures: int = 0) -> Model:
  """The `chain` of `pixels`."""
  return chain(data, *pixels(data, net, conditional), ("label",) if conditional else (), mixtures)
