"""Attention that can be evaluated one token at a time: a cache keeps earlier keys and values."""

from collections.abc import Mapping
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.attention import attention_weights, weighted_mean
from genjax_zoo.nn.hooks import HookPoint


class Attention(nn.Module):
  """Self-attention of a sequence, h [B, T, width] -> [B, T, width], all of it or token by token."""

  heads: int
  width: int
  dtype: str

  def setup(self):
    size = self.heads, self.width // self.heads
    project = functools.partial(nn.DenseGeneral, size, use_bias=False, dtype=self.dtype)
    self.q, self.k, self.v = project(), project(), project()
    self.out = nn.DenseGeneral(self.width, (-2, -1), dtype=self.dtype)

  def __call__(self, h, mask):
    """All tokens; token i attends to token j where mask [T, T] is true."""
    q, k, v = self.q(h), self.k(h), self.v(h)
    if self.is_mutable_collection("cache"):
      self.put_variable("cache", "keys", jnp.zeros_like(k))
      self.put_variable("cache", "values", jnp.zeros_like(v))
    return self.attend(q, k, v, mask)

  def token(self, h, mask, i):
    """Token i alone, h [B, 1, width], mask [1, T]; "cache" has the keys and values before it."""
    k = self.remember("keys", self.k(h), i)
    v = self.remember("values", self.v(h), i)
    return self.attend(self.q(h), k, v, mask)

  def remember(self, name, row, i):
    """All rows of the cache, [B, T, heads, D], with that of token i in its place."""
    rows = jax.lax.dynamic_update_slice(self.get_variable("cache", name), row, (0, i, 0, 0))
    self.put_variable("cache", name, rows)
    return rows

  def attend(self, q, k, v, mask):
    weights = attention_weights(q, k, mask)
    # For the figures: flax stores nothing unless "intermediates" is mutable.
    self.sow("intermediates", "weights", weights / weights.sum(-1, keepdims=True))
    return self.out(weighted_mean(weights, v))


def attending_to(prefix: Mapping[str, tuple], real=None):
  """A context in which each attention NAME sees keys and values before those of the sequence.

  prefix[NAME] = (keys, values), each [B, k, heads, D], which all tokens attend to; of those of an
  example only to what `real` [B, k] says there is.
  """

  def interceptor(call, args, kwargs, context):
    if context.method_name != "attend" or context.module.name not in prefix:
      return call(*args, **kwargs)
    q, k, v, mask = args
    keys, values = prefix[context.module.name]
    k = jnp.concatenate([keys, k], 1)
    v = jnp.concatenate([values, v], 1)
    mask = jnp.pad(mask, ((0, 0), (keys.shape[1], 0)), constant_values=True)
    if real is not None:
      rest = mask.shape[1] - real.shape[1]
      mask = mask[None] & jnp.pad(real, ((0, 0), (0, rest)), constant_values=True)[:, None]
    return call(q, k, v, mask)

  return nn.intercept_methods(interceptor)


def causal_layers(
  h, attend, *, layers: int, heads: int, dropout: float = 0.0, train: bool = False, dtype="float32"
):
  """h [B, T, width] after `layers` pre-norm blocks: attention, then an MLP of four times the width.

  attend(attention, h, layer) alone looks beyond a token: it calls an `Attention` on all tokens, or
  on one. For a method that is compact, whose parameters these are.
  """
  width = h.shape[-1]
  drop = nn.Dropout(dropout, deterministic=not train)
  for layer in range(layers):
    attention = Attention(heads, width, dtype)
    h += drop(attend(attention, nn.LayerNorm(dtype=dtype)(h), layer))
    wide = nn.Dense(4 * width, dtype=dtype)(nn.LayerNorm(dtype=dtype)(h))
    h += drop(nn.Dense(width, dtype=dtype)(jax.nn.gelu(wide)))
    h = HookPoint(name=f"layer_{layer}")(h)
  return h
