"""U-Net for images at a noise level (Ho 2020, arXiv:2006.11239, appendix B; Dhariwal & Nichol 2021,
2105.05233).
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.nn.attention import attend_with_context
from genjax_zoo.nn.condition import TOKENS, Condition
from genjax_zoo.nn.conv import Conv
from genjax_zoo.nn.hooks import HookPoint
from genjax_zoo.nn.norm import GroupNorm

HEAD = 32  # Channels of a head of attention.


class Block(nn.Module):
  """x [B, H, W, C] and c [B, E] -> [B, H, W, width]: x + conv(conv(x)), scaled and shifted between
  them by c.

  The second convolution starts at 0: so does the block, but for its change of width.
  """

  width: int
  dropout: float = 0.0
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, c, train: bool):
    scale, shift = jnp.split(nn.Dense(2 * self.width)(c), 2, -1)
    h = Conv(self.width, (3, 3), dtype=self.dtype)(nn.silu(GroupNorm(self.dtype)(x)))
    h = nn.silu(GroupNorm(self.dtype)(h, scale, shift))
    h = nn.Dropout(self.dropout, deterministic=not train)(h)
    h = Conv(self.width, (3, 3), dtype=self.dtype, kernel_init=nn.initializers.zeros)(h)
    return h + (x if x.shape[-1] == self.width else nn.Dense(self.width, dtype=self.dtype)(x))


class Attention(nn.Module):
  """x [B, H, W, C] -> the same shape: a pixel attends to all and to the condition's sequence.

  The identity at the start.
  """

  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, c):
    n, height, width, channels = x.shape
    h = GroupNorm(self.dtype)(x).reshape(n, height * width, channels)
    qkv = nn.Dense(3 * channels, dtype=self.dtype)(h)
    context = None
    if c.sequence is not None:
      context = nn.Dense(2 * channels, dtype=self.dtype)(c.sequence)
    h = attend_with_context(qkv, context, c.mask, heads=max(channels // HEAD, 1)).reshape(x.shape)
    return x + nn.Dense(channels, dtype=self.dtype, kernel_init=nn.initializers.zeros)(h)


class UNet(nn.Module):
  """x [B, H, W, C] -> float32 [B, H, W, out], 0 at the start.

  A resolution for each of `widths`, halving, with `blocks` residual blocks on the way down and one
  more on the way up; attention where the height is in `attention`. Sizes that are odd are rounded
  up on the way down, and cut on the way up. Departure: no convolution after up-sampling; the next
  block has two.
  """

  widths: tuple[int, ...]
  out: int
  blocks: int = 1
  attention: tuple[int, ...] = ()
  dropout: float = 0.0
  dtype: str = "float32"
  fields: tuple[tuple[str, Any], ...] = ()
  nulls: tuple[str, ...] = ()

  @nn.compact
  def __call__(self, x, noise, c={}, train: bool = False):
    tokens = TOKENS if self.attention else 0
    c = Condition(4 * self.widths[0], self.fields, self.nulls, tokens=tokens)(noise, c)

    def block(h, width):
      h = Block(width, self.dropout, self.dtype)(h, c.vector, train)
      return Attention(self.dtype)(h, c) if h.shape[1] in self.attention else h

    h = Conv(self.widths[0], (3, 3), dtype=self.dtype)(x)
    skips = [h]
    for i, width in enumerate(self.widths):
      if i:
        h = Conv(width, (3, 3), (2, 2), dtype=self.dtype)(h)
        skips.append(h)
      for _ in range(self.blocks):
        h = block(h, width)
        skips.append(h)
    h = HookPoint(name="middle")(block(h, self.widths[-1]))
    for i, width in reversed(list(enumerate(self.widths))):
      for _ in range(self.blocks + 1):
        h = block(jnp.concatenate([h, skips.pop()], -1), width)
      if i:
        rows, columns = skips[-1].shape[1:3]
        h = jnp.repeat(jnp.repeat(h, 2, 1), 2, 2)[:, :rows, :columns]
    h = nn.silu(GroupNorm(self.dtype)(h))
    return Conv(self.out, (3, 3), dtype=jnp.float32, kernel_init=nn.initializers.zeros)(h)
