"""The Model of a prior of a frozen first stage's codes, alone or in one stream with a caption."""

from collections.abc import Callable, Mapping
from functools import partial

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._condition import condition_of, drop as dropped
from genjax_zoo.models.tokens._prior import (
  Prior,
  initial_params,
  log_probs,
  prefix_of,
  sample_tokens,
  vectors_of,
)
from genjax_zoo.models.tokens._stream import from_tokens, to_tokens
from genjax_zoo.models.tokens._window import enlarged
from genjax_zoo.prob.autoregressive import fixed_values


def check_first(first: Model):
  """Raises UserError where a stage has no codes that can be modelled and decoded."""
  if first.encode is None or first.decode is None or not first.latents:
    raise UserError("stages.first can't encode and decode: take a first stage with codes")
  for name, field in first.latents.items():
    if not field.num_values:
      raise UserError(
        f"stages.first has real latents {name!r}: latent_diffusion models those; take a vqvae"
      )


def segment_nats(p: Prior, nats) -> dict:
  """-log p of the entries, {name: nats [B]}, from log p of every token [B, T]."""
  return {s.name: -nats[:, s.places].sum(1) for s in p.stream.segments}


def kept(p: Prior, given: Mapping, n: int, latents: Mapping, modelled: tuple[str, ...] = ()):
  """(tokens [n, T], keep [n, T]): the entries that are given, which sampling must not change.

  Codes are given["codes"] where given["keep"], or their first half: those of a completed image.
  What is neither given nor `modelled` is not sampled: whatever stands there, it is not looked at.
  """
  tokens, keep = [], []
  for segment in p.stream.segments:
    name = segment.name
    if name in latents:
      x, fixed = fixed_values(given, name, n, segment.field.shape)
    elif name in given:
      x = jnp.asarray(given[name], jnp.int32).reshape(n, -1)
      fixed = jnp.ones(x.shape, bool)
    else:
      x = jnp.zeros((n, segment.length), jnp.int32)
      fixed = jnp.full(x.shape, name not in modelled)
    tokens.append(x + segment.offset)
    keep.append(fixed)
  return jnp.concatenate(tokens, 1), jnp.concatenate(keep, 1)


def codes_given(first: Model, state, given: Mapping, key) -> dict:
  """What is given, with the codes of a given image in place of the image."""
  if "image" not in given:
    return dict(given)
  others = {name: x for name, x in given.items() if name != "image"}
  return others | first.encode(*state["frozen"]["first"], dict(given), key)


def log_given(first: Model, state, batch, latents, key):
  """log p(x | codes) of the first stage's decoder, nats [B]. Raises UserError where it has none."""
  if "log_given" not in first.parts:
    raise UserError("stages.first has no distribution of images given its codes, so no likelihood")
  return first.parts["log_given"](*state["frozen"]["first"], batch, latents, key)


def prefix_parts(p: Prior) -> dict:
  """The parts of a Model of the prior by which vectors are learned in the place of tokens."""
  return {
    "vectors": lambda params, state: vectors_of(params),
    "prefix": lambda params, state, vectors: prefix_of(p, params, vectors),
  }


def nats_of(p: Prior, params, latents, c, key=None) -> dict:
  """{name: -log p of an entry given those before it, nats [B]}; with dropout by a `key`."""
  tokens = to_tokens(p.stream, {name: value for name, (value, _) in c.items()} | latents)
  known = {name: flags for name, (_, flags) in c.items()}
  return segment_nats(p, log_probs(p, params, tokens, known, key))


def stream_of(first: Model, p: Prior, grid):
  """The stream with codes of a grid, by default that of training."""
  return enlarged(p.stream, first.latents, grid) if grid else p.stream


def sequences(
  first: Model,
  p: Prior,
  entries: tuple[str, ...],
  modelled: tuple[str, ...],
  params,
  state,
  k_tokens,
  k_first,
  n,
  given,
  grid=None,
  **options,
):
  """n sequences [n, T] and the log-probability of drawing them, nats [n].

  `entries` are those before the codes, of which some are `modelled` too.
  """
  given = codes_given(first, state, given, k_first)
  whole = stream_of(first, p, grid)
  tokens, keep = kept(p._replace(stream=whole), given, n, first.latents, modelled)
  known = {k: jnp.full(n, float(k in given or k in modelled)) for k in entries}
  options |= {"whole": whole if grid else None}
  return sample_tokens(p, params, k_tokens, tokens, keep, known, **options)


def prior_model(
  first: Model,
  p: Prior,
  given_fields: Mapping[str, Field],
  drop: float,
  objective: Callable,
  modelled: tuple[str, ...] = (),
) -> Model:
  """The Model of the prior `p` of what is given and of the codes of `first`.

  objective({name: -log p, nats [B]}, {name of what is given: known [B]}) -> (loss [B], metrics).
  Given entries that are `modelled` too are sampled where they are missing; others are then unknown.
  """

  whole_of = partial(stream_of, first, p)
  drawn = partial(sequences, first, p, tuple(given_fields), modelled)

  def encode(params, state, batch, key):
    return first.encode(*state["frozen"]["first"], batch, key)

  def decode(params, state, latents, key):
    return first.decode(*state["frozen"]["first"], latents, key)

  def init(key, batch, frozen):
    return initial_params(p, key), {"frozen": frozen}

  def loss(params, state, batch, key, train):
    k_first, k_drop = jax.random.split(key)
    k_net = jax.random.fold_in(k_drop, 1) if train else None
    c = condition_of(given_fields, batch, len(batch["image"]))
    if train:
      c = dropped(c, k_drop, drop)
    known = {name: flags for name, (_, flags) in c.items()}
    nats = nats_of(p, params, encode(params, state, batch, k_first), c, k_net)
    value, metrics = objective(nats, known)
    return value, ({}, metrics)

  def log_prob(params, state, batch, key):
    """log p(codes | what is given) + log p(x | codes), nats [B]."""
    k_first, k_out = jax.random.split(key)
    latents = encode(params, state, batch, k_first)
    nats = nats_of(p, params, latents, condition_of(given_fields, batch, len(batch["image"])))
    codes = sum(nats[name] for name in first.latents)
    return log_given(first, state, batch, latents, k_out) - codes

  def sample_log_prob(params, state, key, n, given={}, grid=None, **options):
    """Samples and the log-probability of drawing their tokens, nats [n]; options as in `sample`."""
    k_tokens, k_first, k_out = jax.random.split(key, 3)
    tokens, nats = drawn(params, state, k_tokens, k_first, n, given, grid, **options)
    batch = decode(params, state, from_tokens(whole_of(grid), tokens, first.latents), k_out)
    return batch | from_tokens(whole_of(grid), tokens, modelled), nats

  def latent_samples(params, state, key, n, given={}, grid=None, **options):
    """The codes that `sample` decodes with the same key."""
    k_tokens, k_first, _ = jax.random.split(key, 3)
    tokens, _ = drawn(params, state, k_tokens, k_first, n, given, grid, **options)
    return from_tokens(whole_of(grid), tokens, first.latents)

  def sample(
    params,
    state,
    key,
    n,
    given={},
    scale=None,
    temperature=1.0,
    top_k=0,
    top_p=None,
    cached=True,
    grid=None,
  ):
    """Samples, given the condition or without it; for the options see `sample_tokens`.

    A given "image" is completed: its codes are kept where given["keep"], or in the upper half. A
    `grid` (rows, columns) of codes larger than that of training makes larger images.
    """
    options = dict(scale=scale, temperature=temperature, top_k=top_k, top_p=top_p, cached=cached)
    return sample_log_prob(params, state, key, n, given, grid, **options)[0]

  def calls(scale=None, grid=None, **options):
    codes = sum(s.length for s in whole_of(grid).segments if s.name in first.latents)
    return codes * (1 if scale is None else 2)

  bounded = "log_given" in first.parts
  return Model(
    init,
    loss,
    sample,
    log_prob if bounded else None,
    encode=encode,
    decode=decode,
    likelihood={"codes": "lower_bound"} if bounded else {},
    given=given_fields,
    latents=first.latents,
    dequantization=first.dequantization if bounded else None,
    calls=calls,
    parts={"sample_log_prob": sample_log_prob, "latent_samples": latent_samples} | prefix_parts(p),
  )
