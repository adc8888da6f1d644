"""A `Model` made of its conditional distributions: what the autoregressive models share.

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   loss = -log p(x)

A model file gives `Conditionals`: one network evaluation for all of them, for the likelihood, and
one conditional at a time, for sampling. `chain` derives the rest. Networks over images, with caches
for sampling, become `Conditionals` by `image_conditionals`.
"""

from collections.abc import Callable, Mapping
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.prob.autoregressive import ancestral, fixed_values, head, sampler


def integer_field(data: Mapping[str, Field]) -> tuple[str, Field]:
  """The name and Field of what is modelled, "image" or "x". Raises UserError for real numbers."""
  name = "image" if "image" in data else "x"
  if not data[name].num_values:
    raise UserError(
      f"autoregressive models want integers and {name!r} are real numbers: take other data"
    )
  return name, data[name]


def image_field(data: Mapping[str, Field], width: int | None = None) -> Field:
  """The Field of "image", integers [H, W, C]. Raises UserError for others, and for width < C."""
  field = integer_field(data)[1]
  if len(field.shape) != 3:
    raise UserError(f"this model wants images [H, W, C] and the data have the shape {field.shape}")
  channels = field.shape[-1]
  if width is not None and width < channels:
    raise UserError(f"model.width={width}: each of {channels} channels needs a feature")
  return field


def require_ordered(field: Field, why: str):
  """Raises UserError for a field whose near values are not alike."""
  if not field.ordered:
    raise UserError(f"{why} wants ordered values, such as gray levels; the data's are unordered")


def input_features(field: Field) -> int:
  """The number F of network inputs for each value."""
  return 1 if field.ordered else field.num_values


def network_inputs(x, field: Field):
  """Integers x [...] as network inputs [..., F]: x / (num_values - 1); one-hot if unordered."""
  if field.ordered:
    return x[..., None] / (field.num_values - 1)
  return jax.nn.one_hot(x, field.num_values)


class Conditionals(NamedTuple):
  """The distributions p(x_i | x_1 .. x_{i-1}) of integers x [B, D], each given by K outputs.

  `context` is a batch, or what sampling is given.
  """

  init: Callable  # (key, batch) -> (params, state).
  every: Callable  # (params, x, context) -> outputs [B, D, K] of all conditionals.
  # (params, carry, x, i, context) -> (outputs [B, K], carry): conditional i, cheaper than all.
  one: Callable | None = None
  start: Callable = lambda params, n: ()  # (params, n) -> the carry before i = 0.


def pick_from(every: Callable) -> Callable:
  """The `conditional` of `ancestral` that evaluates all, every(x) -> [B, D, K], and picks one."""
  return lambda carry, x, i: (every(x)[:, i], carry)


def sampling_conditional(conditionals: Conditionals, params, n: int, given, cached: bool = True):
  """(conditional, carry) for `ancestral`; without `cached` all are evaluated for each dimension."""
  if conditionals.one is None or not cached:
    return pick_from(lambda x: conditionals.every(params, x, given)), ()

  def conditional(carry, x, i):
    return conditionals.one(params, carry, x, i, given)

  return conditional, conditionals.start(params, n)


def chain(
  data, conditionals: Conditionals, given: Mapping[str, Field] = {}, mixtures: int = 0
) -> Model:
  """The Model of these conditionals, with exact likelihood; `mixtures` as in `head`."""
  name, field = integer_field(data)
  if mixtures:
    require_ordered(field, f"model.mixtures={mixtures}")
  dim = math.prod(field.shape)
  distribution = head(field.num_values, mixtures)

  def log_prob(params, state, batch, key):
    x = batch[name].reshape(-1, dim).astype("int32")
    return distribution.log_prob(x, conditionals.every(params, x, batch)).sum(-1)

  def loss(params, state, batch, key, train):
    return -log_prob(params, state, batch, key), ({}, {})

  def sample_log_prob(
    params, state, key, n, given={}, temperature=1.0, top_k=0, top_p=None, cached=True
  ):
    """Samples and the log-probability of drawing them, nats [n]; options as in `sample`."""
    conditional, carry = sampling_conditional(conditionals, params, n, given, cached)
    choose = sampler(distribution, temperature=temperature, top_k=top_k, top_p=top_p)
    x, keep = fixed_values(given, name, n, field.shape)
    x, nats = ancestral(key, conditional, carry, x, keep, choose)
    return {name: x.reshape(n, *field.shape).astype(field.dtype)}, nats

  def sample(params, state, key, n, given={}, temperature=1.0, top_k=0, top_p=None, cached=True):
    """Samples; completions of given[name], see `fixed_values`. For the options see `restrict`."""
    return sample_log_prob(params, state, key, n, given, temperature, top_k, top_p, cached)[0]

  return Model(
    conditionals.init,
    loss,
    sample,
    log_prob,
    likelihood={"exact": "exact"},
    given=given,
    calls=lambda **options: dim,  # Each dimension waits for those before it.
    parts={
      "conditionals": lambda params, state, x, context: conditionals.every(params, x, context),
      "sample_log_prob": sample_log_prob,
    },
  )


def image_conditionals(data, net, condition: Mapping[str, Field] = {}) -> Conditionals:
  """The conditionals of a network over images, which keeps caches for sampling.

  The network has three methods; v [B, H, W, C F] are `network_inputs` of the whole image, `label`
  [B] is the entry of `condition`, None without one.

    net(v, label) -> outputs [B, H, W, C, K]              all pixels at once
    net.row(v, y, label) -> tree of [B, 1, W, ..]         what row y knows of the rows above it
    net.pixel(v, above, y, column, label) -> [B, 1, 1, C, K]   one pixel; `above`, [B, 1, 1, ..], is
                                                           that tree at this column

  The latter two are called in raster order, with what they left in the collection "cache".
  """
  field = image_field(data)
  H, W, C = field.shape
  features = C * input_features(field)

  def inputs(x, context):
    v = network_inputs(x.reshape(-1, H, W, C), field)
    label = context[next(iter(condition))] if condition else None
    return v.reshape(-1, H, W, features), label

  def blank(n):
    """Inputs of the right shapes."""
    return jnp.zeros((n, H, W, features)), jnp.zeros(n, jnp.int32)

  def call(params, cache, *args, method):
    variables = {"params": params["net"], "cache": cache}
    out, changed = net.apply(variables, *args, method=method, mutable=["cache"])
    return out, cache | changed.get("cache", {})

  def init(key, batch):
    return {"net": net.init(key, *blank(1))["params"]}, {}

  def every(params, x, context):
    outputs = net.apply({"params": params["net"]}, *inputs(x, context))
    return outputs.reshape(len(x), H * W * C, -1)

  def start(params, n):
    """Zeros in the shapes of (above, cache); the first pixel computes its row's."""
    v, label = blank(n)
    cache = zeros_like(lambda: net.init(jax.random.key(0), v, label).get("cache", {}))
    return zeros_like(lambda: call(params, cache, v, 0, label, method="row"))

  def one(params, carry, x, i, context):
    v, label = inputs(x, context)
    y, column, channel = jnp.unravel_index(i, (H, W, C))

    def next_row(above, cache):
      return call(params, cache, v, y, label, method="row")

    def same_row(above, cache):
      return above, cache

    above, cache = jax.lax.cond((column == 0) & (channel == 0), next_row, same_row, *carry)
    at_column = jax.tree.map(lambda a: jax.lax.dynamic_slice_in_dim(a, column, 1, 2), above)
    outputs, cache = call(params, cache, v, at_column, y, column, label, method="pixel")
    return outputs[:, 0, 0, channel], (above, cache)

  return Conditionals(init, every, one, start)


def zeros_like(f: Callable):
  """Zeros in the shapes and types that f() would return."""
  return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(f))


def image_chain(data, net, condition: Mapping[str, Field] = {}, mixtures: int = 0) -> Model:
  """The Model of a network over images, see `image_conditionals`."""
  return chain(data, image_conditionals(data, net, condition), condition, mixtures)
