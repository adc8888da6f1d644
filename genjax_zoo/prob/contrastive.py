"""Contrastive learning: of many pairs, which belong together, and how well that is found out.

A similarity [N, M] of N queries and M candidates is high where they belong together.
"""

import jax
import jax.numpy as jnp


def info_nce(similarity: jax.Array, ignored: jax.Array) -> jax.Array:
  """The symmetric InfoNCE loss of pairs (i, i), nats [B] (van den Oord 2018, arXiv:1807.03748).

    loss_i = -1/2 (log softmax_j(s_ij) + log softmax_j(s_ji)) at j = i

  similarity [B, B]. All other pairs are negatives but those where `ignored`, bool [B, B], which
  need not be symmetric. 2 B equally likely choices cost log B.
  """
  own = jnp.eye(len(similarity), dtype=bool)
  logits = jnp.where(ignored & ~own, -jnp.inf, similarity)
  rows, columns = (jax.nn.logsumexp(logits, axis) for axis in (1, 0))
  return (rows + columns) / 2 - jnp.diagonal(similarity)


def ranks(similarity: jax.Array, own: jax.Array) -> jax.Array:
  """How many other candidates are at least as similar as the most similar of one's own, int [N].

  own [N, M] says which candidates belong to a query: one or more. A tie counts against it, so that
  a constant similarity finds nothing.
  """
  best = jnp.where(own, similarity, -jnp.inf).max(1, keepdims=True)
  return ((similarity >= best) & ~own).sum(1)


def first_of(rank: jax.Array, others: jax.Array | int, k: int) -> jax.Array:
  """The probability that one's own is the first of k candidates, [N].

  The k - 1 others are drawn without replacement from `others`, int [N] or [], of which `rank` [N]
  would come before it. All of them are taken where there are fewer.
  """
  others = jnp.broadcast_to(others, rank.shape)
  drawn = jnp.arange(k - 1)[None]
  left = jnp.maximum(others[:, None] - drawn, 1)
  # None of them in the j-th draw, given none before.
  none = jnp.clip(1 - rank[:, None] / left, 0, 1)
  return jnp.where(drawn < others[:, None], none, 1.0).prod(1)
