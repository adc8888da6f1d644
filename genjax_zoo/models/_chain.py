"""A `Model` from its conditionals: what window, FVSBN, NADE and the PixelCNNs share."""

import math

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.prob.autoregressive import ancestral, known, log_prob as conditional_log_prob


def integers(data) -> tuple[str, Field]:
  """The entry to model, "image" or "x", and its field. Raises UserError for real numbers."""
  name = "image" if "image" in data else "x"
  if not data[name].levels:
    raise UserError(f"autoregressive models want integers and {name!r} are real numbers: take other data")
  return name, data[name]


def from_logits(logits):
  """The `step` of `ancestral` that evaluates all conditionals to use one: logits(x) -> [B, D, K]."""
  return lambda carry, x, i: (logits(x)[:, i], carry)


def chain(data, init, logits, step=None, start=lambda params, n: (), given=()) -> Model:
  """The model p(x) = prod_i softmax(logits_i)[x_i], of exact likelihood.

  logits(params, x, context) -> [B, D, K] of integers x [B, D], with batch or given entries as context.
  step(params, carry, x, i, context) -> (logits [B, K], carry) is one conditional for sampling, cheaper than all;
  `start(params, n)` its first carry.
  """
  name, (shape, dtype, _) = integers(data)
  dim = math.prod(shape)

  def log_prob(params, state, batch, key):
    """log p(x), nats [B]."""
    x = batch[name].reshape(-1, dim).astype("int32")
    return conditional_log_prob(x, logits(params, x, batch)).sum(-1)

  def loss(params, state, batch, key, train):
    return -log_prob(params, state, batch, key), ({}, {})

  def draw(params, state, key, n, given={}, temperature=1.0, top_k=0, top_p=None):
    """(batch, nats [B]): samples and the log-probability of drawing them."""
    if step is None:
      one, carry = from_logits(lambda x: logits(params, x, given)), ()
    else:
      one, carry = lambda carry, x, i: step(params, carry, x, i, given), start(params, n)
    options = dict(temperature=temperature, top_k=top_k, top_p=top_p)
    x, nats = ancestral(key, one, carry, *known(given, name, n, shape), **options)
    return {name: x.reshape(n, *shape).astype(dtype)}, nats

  def sample(params, state, key, n, given={}, temperature=1.0, top_k=0, top_p=None):
    """Samples; completions of given[name], see `prob.autoregressive.known`; options of `restrict` there."""
    return draw(params, state, key, n, given, temperature, top_k, top_p)[0]

  calls = lambda **options: dim  # Each dimension waits for those before it.
  parts = {"logits": logits, "draw": draw}
  return Model(init, loss, sample, log_prob, likelihood={"exact": "exact"}, given=given, calls=calls, parts=parts)
