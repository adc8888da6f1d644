"""Diffusion transformer with adaLN-zero (Peebles & Xie 2022, arXiv:2212.09748)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.attention import attend_with_context
from genjax_zoo.nn.blocks import STACK, stack
from genjax_zoo.nn.condition import TOKENS, Condition
from genjax_zoo.nn.embed import sinusoids

HEAD = 64  # Channels of a head of attention, at most.


def modulate(h, scale, shift):
  """Layer norm of h [B, L, E] without parameters, times 1 + scale, plus shift, [B, 1, E]."""
  return nn.LayerNorm(use_bias=False, use_scale=False, dtype=h.dtype)(h) * (1 + scale) + shift


class Block(nn.Module):
  """Tokens h [B, L, E] and a `Conditioning` -> (h, None): attention, then an MLP, both gated.

  The layer that makes scales, shifts and gates starts at 0: so do the gates, and the block is the
  identity. The condition's sequence adds keys and values. With `causal` no token attends to a later
  one.
  """

  dropout: float
  train: bool
  dtype: str
  causal: bool = False

  @nn.compact
  def __call__(self, h, c):
    width = h.shape[-1]
    dense = lambda size: nn.Dense(size, dtype=self.dtype)
    zeros = nn.initializers.zeros
    modulation = nn.Dense(6 * width, dtype=self.dtype, kernel_init=zeros)(c.vector)[:, None]
    scale_a, shift_a, gate_a, scale_m, shift_m, gate_m = jnp.split(modulation, 6, -1)
    qkv = dense(3 * width)(modulate(h, scale_a, shift_a))
    context = None if c.sequence is None else dense(2 * width)(c.sequence)
    heads = max(width // HEAD, 1)
    attended = attend_with_context(qkv, context, c.mask, heads, self.causal)
    h += gate_a * dense(width)(attended)
    hidden = nn.gelu(dense(4 * width)(modulate(h, scale_m, shift_m)))
    hidden = nn.Dropout(self.dropout, deterministic=not self.train)(hidden)
    return h + gate_m * dense(width)(hidden), None


class SpaceTimeBlock(nn.Module):
  """Frames h [B, T, S, E] and a `Conditioning` -> (h, None): a block over space, one over time.

  Factorised attention (Ma 2024, Latte, arXiv:2401.03048): the S places of a frame attend to each
  other, then the T times of a place, T S (S + T) pairs in place of (T S)². With `causal` no frame
  attends to a later one.
  """

  dropout: float
  train: bool
  dtype: str
  causal: bool = False

  @nn.compact
  def __call__(self, h, c):
    h = self.along("space", False, h, c)
    return self.along("time", self.causal, h.swapaxes(1, 2), c).swapaxes(1, 2), None

  def along(self, name: str, causal: bool, h, c):
    """A block over the third axis of h; the second joins the batch."""
    of_each = lambda a: jnp.broadcast_to(a, (len(h), *a.shape[1:]))
    repeated = jax.tree.map(lambda a: jnp.repeat(of_each(a), h.shape[1], 0), c)
    block = Block(self.dropout, self.train, self.dtype, causal, name=name)
    out, _ = block(h.reshape(-1, *h.shape[2:]), repeated)
    return out.reshape(h.shape)


class DiT(nn.Module):
  """x [B, *places, C] -> float32 [B, *places, out], 0 at the start; each place is a token.

  Places are times [T], pixels [H, W], or pixels of frames [T, H, W], where attention is factorised.
  `depth` blocks of `width` channels, compiled once. Positions are sinusoids along each axis;
  without `places` x is a set of tokens [B, N, C], and permuting them permutes the output. With
  `causal` no time depends on a later one.
  """

  width: int
  depth: int
  out: int
  dropout: float = 0.0
  dtype: str = "float32"
  fields: tuple[tuple[str, Any], ...] = ()
  nulls: tuple[str, ...] = ()
  places: bool = True
  causal: bool = False

  @nn.compact
  def __call__(self, x, noise, c={}, train: bool = False):
    n, *axes, _ = x.shape
    c = Condition(self.width, self.fields, self.nulls, tokens=TOKENS)(noise, c)
    c = c._replace(vector=c.vector.astype(self.dtype))
    h = nn.Dense(self.width, dtype=self.dtype)(x)
    if self.places:
      h += positions(axes, self.width)[None].astype(self.dtype)
    has_frames = len(axes) == 3
    layers = stack(SpaceTimeBlock if has_frames else Block, self.depth)
    h = h.reshape(n, *axes[:has_frames], -1, self.width)
    h, _ = layers(self.dropout, train, self.dtype, self.causal, name=STACK)(h, c)
    h = h.reshape(n, -1, self.width)
    zeros = nn.initializers.zeros
    modulation = nn.Dense(2 * self.width, dtype=self.dtype, kernel_init=zeros)(c.vector)[:, None]
    h = modulate(h, *jnp.split(modulation, 2, -1)).astype(jnp.float32)
    return nn.Dense(self.out, kernel_init=zeros)(h).reshape(n, *axes, self.out)


def positions(sizes, width: int):
  """Sinusoids of the place along each axis, [*sizes, width].

  Each axis has an equal and even share of the `width`; what is left is 0. A place further is 0.1 to
  3 radians: with the usual 0.01 to 1 the few places of a small grid would be nearly the same.
  """
  share = width // (2 * len(sizes)) * 2
  parts = []
  for axis, size in enumerate(sizes):
    sines = sinusoids(jnp.arange(size, dtype=jnp.float32), share, 0.1, 3.0)
    shape = [1] * len(sizes)
    shape[axis] = size
    parts.append(jnp.broadcast_to(sines.reshape(*shape, share), (*sizes, share)))
  rest = jnp.zeros((*sizes, width - share * len(sizes)))
  return jnp.concatenate([*parts, rest], -1)
