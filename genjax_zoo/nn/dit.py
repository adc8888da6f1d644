"""Diffusion transformer with adaLN-zero (Peebles & Xie 2022, arXiv:2212.09748)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.attention import attend_with_context
from genjax_zoo.nn.condition import TOKENS, Condition
from genjax_zoo.nn.embed import sinusoids

HEAD = 64  # Channels of a head of attention, at most.


def modulate(h, scale, shift):
  """Layer norm of h [B, L, E] without parameters, times 1 + scale, plus shift, [B, 1, E]."""
  return nn.LayerNorm(use_bias=False, use_scale=False, dtype=h.dtype)(h) * (1 + scale) + shift


class Block(nn.Module):
  """Tokens h [B, L, E] and a `Conditioning` -> (h, None): attention, then an MLP, both gated.

  The layer that makes scales, shifts and gates starts at 0: so do the gates, and the block is the
  identity. The condition's sequence adds keys and values.
  """

  dropout: float
  train: bool
  dtype: str

  @nn.compact
  def __call__(self, h, c):
    width = h.shape[-1]
    dense = lambda size: nn.Dense(size, dtype=self.dtype)
    zeros = nn.initializers.zeros
    modulation = nn.Dense(6 * width, dtype=self.dtype, kernel_init=zeros)(c.vector)[:, None]
    scale_a, shift_a, gate_a, scale_m, shift_m, gate_m = jnp.split(modulation, 6, -1)
    qkv = dense(3 * width)(modulate(h, scale_a, shift_a))
    context = None if c.sequence is None else dense(2 * width)(c.sequence)
    attended = attend_with_context(qkv, context, c.mask, heads=max(width // HEAD, 1))
    h += gate_a * dense(width)(attended)
    hidden = nn.gelu(dense(4 * width)(modulate(h, scale_m, shift_m)))
    hidden = nn.Dropout(self.dropout, deterministic=not self.train)(hidden)
    return h + gate_m * dense(width)(hidden), None


class DiT(nn.Module):
  """x [B, H, W, C] -> float32 [B, H, W, out], 0 at the start; a pixel is a token.

  `depth` blocks of `width` channels, compiled once. Positions are sinusoids of row and column.
  """

  width: int
  depth: int
  out: int
  dropout: float = 0.0
  dtype: str = "float32"
  fields: tuple[tuple[str, Any], ...] = ()
  nulls: tuple[str, ...] = ()

  @nn.compact
  def __call__(self, x, noise, c={}, train: bool = False):
    n, rows, columns, _ = x.shape
    c = Condition(self.width, self.fields, self.nulls, tokens=TOKENS)(noise, c)
    c = c._replace(vector=c.vector.astype(self.dtype))
    h = nn.Dense(self.width, dtype=self.dtype)(x)
    h += positions(rows, columns, self.width)[None].astype(self.dtype)
    # Of each block only products with weights are stored for the gradient: to compute the rest
    # again is faster.
    stored = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
    layers = nn.scan(
      nn.remat(Block, prevent_cse=False, policy=stored),
      {"params": 0},
      split_rngs={"params": True, "dropout": True},
      in_axes=nn.broadcast,
      length=self.depth,
    )
    h = h.reshape(n, rows * columns, self.width)
    h, _ = layers(self.dropout, train, self.dtype, name="blocks")(h, c)
    zeros = nn.initializers.zeros
    modulation = nn.Dense(2 * self.width, dtype=self.dtype, kernel_init=zeros)(c.vector)[:, None]
    h = modulate(h, *jnp.split(modulation, 2, -1)).astype(jnp.float32)
    return nn.Dense(self.out, kernel_init=zeros)(h).reshape(n, rows, columns, self.out)


def positions(rows: int, columns: int, width: int):
  """Sinusoids of row and column, half of the `width` each: [rows, columns, width]."""

  def sines(size):
    return sinusoids(jnp.arange(size, dtype=jnp.float32), width // 2, 0.01, 1.0)

  row = jnp.broadcast_to(sines(rows)[:, None], (rows, columns, width // 2))
  column = jnp.broadcast_to(sines(columns)[None], (rows, columns, width // 2))
  return jnp.concatenate([row, column], -1)
