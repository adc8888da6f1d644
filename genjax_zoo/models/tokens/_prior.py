"""A transformer over a stream of tokens as a distribution: log p of sequences, and samples."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.tokens._stream import (
  Stream,
  attends,
  coordinates,
  hidden,
  may_stand,
  shifted,
  stream,
)
from genjax_zoo.models.tokens._transformer import Transformer
from genjax_zoo.models.tokens._window import through_windows
from genjax_zoo.nn.hooks import edited
from genjax_zoo.prob.autoregressive import ancestral, restrict
from genjax_zoo.prob.distributions import categorical_log_prob


class Prior(NamedTuple):
  """p(tokens) = prod_i p(token_i | tokens before it)."""

  stream: Stream
  net: Transformer
  places: np.ndarray  # [T, 3]
  masks: np.ndarray  # [layers, T, T]
  allowed: np.ndarray  # [T, V]


def prior(
  fields: Mapping[str, Field],
  width: int,
  layers: int,
  heads: int,
  patterns: tuple[str, ...],
  dtype: str,
  dropout: float = 0.0,
  tied: bool = False,
) -> Prior:
  """The prior of some fields in their order; layers take the attention `patterns` in turn.

  Raises UserError for real numbers, for an unknown pattern, and for heads that don't divide width.
  """
  if width % heads:
    raise UserError(f"model.width={width} must be a multiple of heads={heads}")
  s = stream(fields)
  masks = np.stack([attends(s, patterns[i % len(patterns)]) for i in range(layers)])
  grids = tuple(segment.grid for segment in s.segments)
  net = Transformer(s.values, grids, width, layers, heads, dtype, dropout, tied)
  return Prior(s, net, coordinates(s), masks, may_stand(s))


def initial_params(p: Prior, key) -> dict:
  """The network's parameters."""
  tokens = jnp.zeros((1, p.stream.length), jnp.int32)
  return {"net": p.net.init(key, tokens, p.places, p.masks)["params"]}


def unknown_hidden(p: Prior, tokens, known: Mapping):
  """Tokens as the network sees them: UNKNOWN for entries where `known` {name: [B]} is 0."""
  for name, flags in known.items():
    tokens = hidden(p.stream, tokens, name, flags)
  return tokens


def all_logits(p: Prior, params, tokens, known: Mapping = {}, key=None):
  """Logits [B, T, V] of every token given those before it; -inf of what may not stand there.

  With a `key` they are those of training, with dropout.
  """
  before = shifted(p.stream, unknown_hidden(p, tokens, known))
  rngs = {} if key is None else {"dropout": key}
  variables = {"params": params["net"]}
  logits = p.net.apply(variables, before, p.places, p.masks, train=bool(rngs), rngs=rngs)
  return jnp.where(p.allowed[None], logits, -jnp.inf)


def log_probs(p: Prior, params, tokens, known: Mapping = {}, key=None):
  """log p of every token given those before it, nats [B, T]; with dropout by a `key`."""
  return categorical_log_prob(tokens, all_logits(p, params, tokens, known, key))


def prefix_of(p: Prior, params, vectors) -> dict:
  """{attention: (keys, values)} of vectors [B, k, width] in the place of tokens before all others.

  In the context `attending_to` of it the transformer goes on from there: keys and values, which
  depend on nothing later, are all that later tokens see of the vectors.
  """
  n, k, _ = vectors.shape
  if not k:
    return {}
  place = jnp.zeros((k, 3), jnp.int32)
  causal = jnp.tril(jnp.ones((p.net.layers, k, k), bool))
  with edited({"token": lambda _: vectors}):
    _, found = p.net.apply(
      {"params": params["net"]},
      jnp.zeros((n, k), jnp.int32),
      place,
      causal,
      capture_intermediates=lambda module, _: module.name in ("k", "v"),
      mutable=["intermediates"],
    )
  layers = found["intermediates"]
  return {name: (x["k"]["__call__"][0], x["v"]["__call__"][0]) for name, x in layers.items()}


def vectors_of(params):
  """The vectors of all tokens, [V + 2, width]: the last two are those of START and UNKNOWN."""
  return params["net"]["token"]["embedding"]


def guided(conditional, unconditional, scale):
  """Logits extrapolated from the unconditional ones: scale 1 is the conditional model, 0 the other.

  (Classifier-free guidance, Ho & Salimans 2022, of the distribution of each token.) What may not
  stand at a place, -inf in both, stays so.
  """
  both = jnp.isfinite(conditional)
  difference = jnp.where(both, conditional - unconditional, 0.0)
  return jnp.where(both, jnp.where(both, unconditional, 0.0) + scale * difference, -jnp.inf)


def conditional_of(p: Prior, params, known: Mapping, cached: bool):
  """(conditional, carry of n sequences) for `ancestral`, see `prob.autoregressive`."""

  def naive(carry, tokens, i):
    return all_logits(p, params, tokens, known)[:, i], carry

  if not cached:
    return naive, lambda n: ()

  def start(n):
    tokens = jnp.zeros((n, p.stream.length), jnp.int32)
    shapes = jax.eval_shape(lambda: p.net.init(jax.random.key(0), tokens, p.places, p.masks))
    return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes["cache"])

  def one(cache, tokens, i):
    before = shifted(p.stream, unknown_hidden(p, tokens, known))
    token = jax.lax.dynamic_slice_in_dim(before, i, 1, 1)
    place = jnp.asarray(p.places)[i][None]
    masks = jnp.asarray(p.masks)[:, i][:, None]
    variables = {"params": params["net"], "cache": cache}
    logits, changed = p.net.apply(
      variables, token, place, masks, i, method="token", mutable=["cache"]
    )
    return jnp.where(jnp.asarray(p.allowed)[i][None], logits[:, 0], -jnp.inf), changed["cache"]

  return one, start


def with_guidance(conditional, scale, start: int):
  """The guided `conditional` of n sequences, from that of 2 n: n given all, n given nothing.

  What stands before `start` is not guided: a caption that the model writes is given nothing.
  """

  def combined(carry, tokens, i):
    logits, carry = conditional(carry, jnp.concatenate([tokens, tokens]), i)
    return guided(*jnp.split(logits, 2), jnp.where(i < start, 1.0, scale)), carry

  return combined


def sample_tokens(
  p: Prior,
  params,
  key,
  tokens,
  keep,
  known: Mapping,
  *,
  scale=None,
  temperature=1.0,
  top_k: int = 0,
  top_p=None,
  cached: bool = True,
  whole: Stream | None = None,
):
  """(sequences [n, T], nats [n] of drawing them), with `tokens` [n, T] where `keep` [n, T].

  `known` {name: [n]} says of entries before the sampled ones whether they are given. With a `scale`
  the logits are guided away from those given none of them; for the others see `restrict`. Of a
  `whole` stream, larger than that of training, T is its length, and every token has a window of its
  own, so that nothing can be cached.
  """
  n = len(tokens)
  cached = cached and whole is None
  if scale is None:
    conditional, start = conditional_of(p, params, known, cached)
    carry = start(n)
  else:
    nothing = {name: jnp.concatenate([flags, 0 * flags]) for name, flags in known.items()}
    conditional, start = conditional_of(p, params, nothing, cached)
    first = sum(segment.length for segment in p.stream.segments if segment.name in known)
    conditional = with_guidance(conditional, scale, first)
    carry = start(2 * n)
  if whole is not None:
    conditional = through_windows(p.stream, whole, conditional)

  def choose(key, logits):
    logits = restrict(logits, temperature, top_k, top_p)
    token = jax.random.categorical(key, logits)
    return token, categorical_log_prob(token, logits)

  return ancestral(key, conditional, carry, tokens, keep, choose)
