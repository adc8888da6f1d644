"""Sequences of tokens of which not every one is valid: what may come next, as masks.

A `Rule` says which tokens may stand at a place, given those before it, by a state that it carries
along a sequence. The same three functions mask the likelihood of given sequences (`masks`) and
sampling (`sample`). Token STOP = 0 ends a sequence and fills the rest. A rule never leaves a place
without a valid token, so that with its masks the probabilities of all valid sequences sum to 1, and
everything that is sampled is valid.

`vertices` and `faces` are those of polygon meshes (PolyGen, Nash et al. 2020, arXiv:2002.10880,
appendix F).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

STOP = 0
NEW = 1  # Between two faces,
FIRST = 2  # and the token of vertex 0 in a face.
FEWEST = 3  # Vertices of a face.


class Rule(NamedTuple):
  """What may come next in sequences of a batch; `state` is a tree of arrays [B, ...]."""

  state: Any  # Before the first token.
  step: Callable  # (state, token [B], i) -> the state after the token at place i.
  allowed: Callable  # (state, i) -> bool [B, K], which tokens may stand at place i.


def real(tokens):
  """Whether tokens [B, T] are part of the sequence: up to its first STOP, which counts."""
  stops = tokens == STOP
  return jnp.cumsum(stops, -1) - stops == 0


def masks(rule: Rule, tokens):
  """What the rule allows at each place of sequences [B, T], given what is before it, [B, T, K]."""

  def place(state, i_token):
    i, token = i_token
    return rule.step(state, token, i), rule.allowed(state, i)

  _, allowed = jax.lax.scan(place, rule.state, (jnp.arange(tokens.shape[1]), tokens.T))
  return allowed.swapaxes(0, 1)


def sample(key, conditional, carry, rule: Rule, shape: tuple[int, int], choose, masked=True):
  """(tokens int32 [B, T], log p [B]) of sampled sequences, until all of them have ended.

  conditional(carry, tokens, i) -> (logits [B, K], carry); choose(key, logits) -> (token [B], its
  log p [B]). Without `masked` the rule is not kept. `shape` is (B, T).
  """
  n, length = shape

  def going_on(state):
    i, _, _, _, stopped, _ = state
    return (i < length) & ~stopped.all()

  def place(state):
    i, tokens, carry, ruled, stopped, log_p = state
    logits, carry = conditional(carry, tokens, i)
    if masked:
      logits = jnp.where(rule.allowed(ruled, i), logits, -jnp.inf)
    token, log_p_i = choose(jax.random.fold_in(key, i), logits)
    token = jnp.where(stopped, STOP, token).astype(jnp.int32)
    log_p += jnp.where(stopped, 0.0, log_p_i)
    tokens = tokens.at[:, i].set(token)
    return i + 1, tokens, carry, rule.step(ruled, token, i), stopped | (token == STOP), log_p

  start = 0, jnp.zeros(shape, jnp.int32), carry, rule.state, jnp.zeros(n, bool), jnp.zeros(n)
  _, tokens, _, _, _, log_p = jax.lax.while_loop(going_on, place, start)
  return tokens, log_p


class OfVertices(NamedTuple):
  """Where sequences of vertices are. A vertex as one number is (z L + y) L + x, for L levels."""

  last: jax.Array  # The last vertex, -1 before the first, [B].
  part: jax.Array  # The coordinates of the present one so far, as such a number, [B].


def vertices(n: int, levels: int, most: int) -> Rule:
  """Up to `most` vertices z_1 y_1 x_1 z_2 ... of `levels` values, in ascending order, none twice.

  Token 1 + q is the coordinate q; STOP may stand after any whole vertex. For n sequences.
  """
  units = jnp.array([levels**2, levels, 1])
  value = jnp.arange(levels)

  def step(state, token, i):
    axis = i % 3
    before = jnp.where(axis == 0, 0, state.part)
    part = before + jnp.maximum(token - 1, 0) * units[axis]
    return OfVertices(jnp.where((axis == 2) & (token != STOP), part, state.last), part)

  def allowed(state, i):
    axis = i % 3
    before = jnp.where(axis == 0, 0, state.part)
    # The highest vertex that begins with these coordinates.
    highest = before[:, None] + (value[None] + 1) * units[axis] - 1
    higher = (highest > state.last[:, None]) & (i < 3 * most)
    stop = jnp.full(n, (axis == 0) & (i > 0))
    return jnp.concatenate([stop[:, None], higher], 1)

  return Rule(OfVertices(jnp.full(n, -1), jnp.zeros(n, jnp.int32)), step, allowed)


class OfFaces(NamedTuple):
  """Where sequences of faces are."""

  first: jax.Array  # The first vertex of the present face, or of the one before, [B].
  size: jax.Array  # How many vertices it has so far, [B].
  used: jax.Array  # Which, [B, V].


def faces(count, most_vertices: int, length: int) -> Rule:
  """Faces of `count` [B] vertices, of V at most: FIRST + i is vertex i, NEW is between two faces.

  A face has three vertices or more, none twice, the first of them the lowest; it starts no lower
  than the face before. There is always room for its end before the `length` is over. A mesh of
  fewer than three vertices has no faces.
  """
  n = len(count)
  vertex = jnp.arange(most_vertices)[None]

  def step(state, token, i):
    is_vertex = token >= FIRST
    first = jnp.where(is_vertex & (state.size == 0), token - FIRST, state.first)
    used = state.used | (vertex == (token - FIRST)[:, None])
    return OfFaces(
      first,
      jnp.where(is_vertex, state.size + 1, 0),
      used & is_vertex[:, None],
    )

  def allowed(state, i):
    left = length - 1 - i  # Places after this one.
    first, size, total = state.first[:, None], state.size[:, None], count[:, None]
    begins = (vertex >= first) & (vertex <= total - FEWEST)
    goes_on = (vertex > first) & (vertex < total) & ~state.used
    # After a vertex there must be room for those that the face lacks, and for STOP.
    room = left > jnp.maximum(FEWEST - 1 - size, 0)
    next_vertex = jnp.where(size == 0, begins, goes_on) & room
    ends = size >= FEWEST
    stop = ends | ((size == 0) & (i == 0) & (total < FEWEST))
    return jnp.concatenate([stop, ends & (left > FEWEST), next_vertex], 1)

  nothing = jnp.zeros(n, jnp.int32)
  return Rule(OfFaces(nothing, nothing, jnp.zeros((n, most_vertices), bool)), step, allowed)


def log_uniform(rule: Rule, tokens):
  """log p of sequences [B, T] whose tokens are drawn evenly among the valid ones, nats [B]."""
  choices = masks(rule, tokens).sum(-1)
  return -jnp.where(real(tokens), jnp.log(jnp.maximum(choices, 1)), 0.0).sum(-1)
