"""The Model of one of the two sequences of a polygon mesh, its vertices or its faces.

The entries of a batch are those of data/mesh_tokens.py. Both sequences end by a STOP, and of both a
rule (prob/rules.py) says what may come next. As in PolyGen the loss is of the network alone, and
the rule masks it in evaluation and sampling: of a valid mesh no mask makes the likelihood worse.
Likelihoods are in bits a vertex, a ratio of sums over all meshes.
"""

from collections.abc import Callable, Mapping
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.prob import rules
from genjax_zoo.prob.autoregressive import restrict
from genjax_zoo.prob.distributions import categorical_log_prob

ENTRIES = "vertices", "vertices_mask", "faces", "faces_mask"


def mesh_fields(data: Mapping[str, Field]) -> list[Field]:
  """The Fields of the entries of meshes. Raises UserError for data without them."""
  for name in ENTRIES:
    if name not in data:
      raise UserError(
        f"the model is of meshes, with {', '.join(ENTRIES)}, and the data have {', '.join(data)}: "
        "take data.name=meshes, or meshes:PATH"
      )
  return [data[name] for name in ENTRIES]


class MeshSequence(NamedTuple):
  """p(tokens | context) of sequences [B, T]; `context` is a batch, or what is given."""

  length: int  # T
  given: Mapping[str, Field]
  tokens: Callable  # batch -> int32 [B, T].
  entries: Callable  # tokens -> the entries of a batch.
  rule: Callable  # (context, n) -> the Rule of n sequences.
  init: Callable  # (key, batch) -> params.
  every: Callable  # (params, tokens, context, key=None) -> logits [B, T, K]; key of dropout.
  start: Callable  # (params, n, context) -> the carry of `one`.
  one: Callable  # (params, carry, tokens, i, context) -> (logits [B, K], carry), cached.


def log_probs(tokens, logits, allowed=None):
  """log p of sequences [B, T], nats [B]: of each token up to STOP, `allowed` [B, T, K] alone."""
  real = rules.real(tokens)
  if allowed is not None:
    logits = jnp.where(allowed | ~real[..., None], logits, -jnp.inf)
  return jnp.where(real, categorical_log_prob(tokens, logits), 0.0).sum(-1)


def bits_per_vertex(nats, batch) -> tuple:
  """-log p in bits and the number of vertices, each [B]: a pair, whose sums are divided."""
  return -nats / math.log(2), batch["vertices_mask"].sum(-1).astype(jnp.float32)


def mesh_model(s: MeshSequence) -> Model:
  """The Model of a sequence, with exact likelihood."""

  def init(key, batch):
    return s.init(key, batch), {}

  def log_prob(params, state, batch, key, masked=True):
    """log p(sequence | context), nats [B]; with `masked` of the valid ones."""
    tokens = s.tokens(batch)
    allowed = rules.masks(s.rule(batch, len(tokens)), tokens) if masked else None
    return log_probs(tokens, s.every(params, tokens, batch), allowed)

  def loss(params, state, batch, key, train):
    """-log p without masks, nats a place."""
    tokens = s.tokens(batch)
    nats = log_probs(tokens, s.every(params, tokens, batch, key if train else None))
    return -nats / s.length, ({}, {"bits_per_vertex": bits_per_vertex(nats, batch)})

  def evaluate(params, state, batch, key):
    """Bits a vertex with masks and without, and of tokens drawn evenly among the valid ones."""
    tokens = s.tokens(batch)
    rule = s.rule(batch, len(tokens))
    logits = s.every(params, tokens, batch)
    found = {
      "bits_per_vertex": log_probs(tokens, logits, rules.masks(rule, tokens)),
      "bits_per_vertex_unmasked": log_probs(tokens, logits),
      "bits_per_vertex_uniform": rules.log_uniform(rule, tokens),
    }
    pairs = {name: bits_per_vertex(nats, batch) for name, nats in found.items()}
    return {"loss": -found["bits_per_vertex_unmasked"] / s.length} | pairs

  def sample_log_prob(
    params, state, key, n, given={}, temperature=1.0, top_p=None, masked=True, cached=True
  ):
    """Samples and the log-probability of drawing them, nats [n]; options as in `sample`."""

    def naive(carry, tokens, i):
      return s.every(params, tokens, given)[:, i], carry

    def quick(carry, tokens, i):
      return s.one(params, carry, tokens, i, given)

    def choose(key, logits):
      logits = restrict(logits, temperature, 0, top_p)
      token = jax.random.categorical(key, logits)
      return token, categorical_log_prob(token, logits)

    carry = s.start(params, n, given) if cached else ()
    conditional = quick if cached else naive
    shape = n, s.length
    tokens, nats = rules.sample(
      key, conditional, carry, s.rule(given, n), shape, choose, masked=masked
    )
    return s.entries(tokens), nats

  def sample(
    params, state, key, n, given={}, temperature=1.0, top_p=None, masked=True, cached=True
  ):
    """Sequences that keep the rule, unless `masked` is False; for the options see `restrict`."""
    options = dict(temperature=temperature, top_p=top_p, masked=masked, cached=cached)
    return sample_log_prob(params, state, key, n, given, **options)[0]

  return Model(
    init,
    loss,
    sample,
    log_prob,
    evaluate=evaluate,
    likelihood={"exact": "exact"},
    given=s.given,
    calls=lambda **options: s.length,
    parts={"sample_log_prob": sample_log_prob},
  )


def cache_of(init: Callable):
  """Zeros in the shapes of the collection "cache" that init() makes."""
  shapes = jax.eval_shape(init)["cache"]
  return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
