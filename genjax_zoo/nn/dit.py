"""Diffusion transformer with adaLN-zero (Peebles & Xie 2022, arXiv:2212.09748)."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.attention import attend
from genjax_zoo.nn.embed import Condition, sinusoids

HEAD = 64  # Channels of a head of attention, at most.


def modulated(h, scale, shift):
  """Layer norm of h [B, L, E] without parameters, times 1 + scale, plus shift, [B, 1, E]."""
  return nn.LayerNorm(use_bias=False, use_scale=False, dtype=h.dtype)(h) * (1 + scale) + shift


class Block(nn.Module):
  """Tokens h [B, L, E] and c [B, E] -> (h, None): attention, then an MLP, each gated by c.

  The layer that makes scales, shifts and gates of c starts at 0: so do the gates, and the block is
  the identity.
  """

  dropout: float
  train: bool
  dtype: str

  @nn.compact
  def __call__(self, h, c):
    n, length, width = h.shape
    dense = lambda size: nn.Dense(size, dtype=self.dtype)
    modulation = nn.Dense(6 * width, dtype=self.dtype, kernel_init=nn.initializers.zeros)(c)[
      :, None
    ]
    scale_a, shift_a, gate_a, scale_m, shift_m, gate_m = jnp.split(modulation, 6, -1)
    q, k, v = jnp.split(dense(3 * width)(modulated(h, scale_a, shift_a)), 3, -1)
    heads = lambda a: a.reshape(n, length, max(width // HEAD, 1), -1)
    attended = attend(heads(q), heads(k), heads(v)).reshape(h.shape)
    h += gate_a * dense(width)(attended)
    hidden = nn.gelu(dense(4 * width)(modulated(h, scale_m, shift_m)))
    hidden = nn.Dropout(self.dropout, deterministic=not self.train)(hidden)
    return h + gate_m * dense(width)(hidden), None


class DiT(nn.Module):
  """x [B, H, W, C] and what `Condition` takes -> float32 [B, H, W, out], 0 at the start; a pixel is
  a token.

  `depth` blocks of `width` channels, compiled once; positions are told by sinusoids of row and
  column.
  """

  width: int
  depth: int
  out: int
  classes: int = 0
  dropout: float = 0.0
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, noise, label=None, extra=None, train: bool = False):
    n, rows, columns, _ = x.shape
    c = Condition(self.width, self.classes)(noise, label, extra).astype(self.dtype)
    place = lambda size: sinusoids(jnp.arange(size, dtype=jnp.float32), self.width // 2, 0.01, 1.0)
    row = jnp.broadcast_to(place(rows)[:, None], (rows, columns, self.width // 2))
    column = jnp.broadcast_to(place(columns)[None], (rows, columns, self.width // 2))
    h = nn.Dense(self.width, dtype=self.dtype)(x) + jnp.concatenate([row, column], -1)[None].astype(
      self.dtype
    )
    # Of each block only products with weights are kept for the gradient: to compute the rest again
    # is faster.
    kept = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
    layers = nn.scan(
      nn.remat(Block, prevent_cse=False, policy=kept),
      {"params": 0},
      split_rngs={"params": True, "dropout": True},
      in_axes=nn.broadcast,
      length=self.depth,
    )
    h, _ = layers(self.dropout, train, self.dtype, name="blocks")(
      h.reshape(n, rows * columns, self.width), c
    )
    modulation = nn.Dense(2 * self.width, dtype=self.dtype, kernel_init=nn.initializers.zeros)(c)[
      :, None
    ]
    h = modulated(h, *jnp.split(modulation, 2, -1)).astype(jnp.float32)
    return nn.Dense(self.out, kernel_init=nn.initializers.zeros)(h).reshape(
      n, rows, columns, self.out
    )
