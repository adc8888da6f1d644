"""U-Net for images at a noise level (Ho 2020, arXiv:2006.11239, appendix B; Nichol & Dhariwal 2021, 2102.09672)."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.conv import Conv


def sinusoids(x, n: int = 32, low: float = 0.1, high: float = 10.0):
  """Numbers x [B] -> [B, n]: sines and cosines of n / 2 frequencies from `low` to `high`, in radians a unit of x."""
  frequencies = jnp.geomspace(low, high, n // 2)
  angles = x[:, None] * frequencies[None]
  return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)


def norm(x, dtype):
  """Group norm, its groups of at least 4 channels and at most 32 of them."""
  return nn.GroupNorm(math.gcd(32, max(x.shape[-1] // 4, 1)), dtype=dtype)(x)


class Block(nn.Module):
  """x [B, H, W, C] and c [B, E] -> [B, H, W, width]: x + conv(conv(x)), scaled and shifted between them by c.

  The second convolution starts at 0: so does the block, but for its change of width.
  """

  width: int
  dropout: float = 0.0
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, c, train: bool):
    scale, shift = jnp.split(nn.Dense(2 * self.width, dtype=self.dtype)(c)[:, None, None], 2, -1)
    h = Conv(self.width, (3, 3), dtype=self.dtype)(nn.silu(norm(x, self.dtype)))
    h = nn.silu(norm(h, self.dtype) * (1 + scale) + shift)
    h = nn.Dropout(self.dropout, deterministic=not train)(h)
    h = Conv(self.width, (3, 3), dtype=self.dtype, kernel_init=nn.initializers.zeros)(h)
    return h + (x if x.shape[-1] == self.width else nn.Dense(self.width, dtype=self.dtype)(x))


class Attention(nn.Module):
  """x [B, H, W, C] -> the same shape: every pixel attends to all, in heads of 32 channels; starts as the identity."""

  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    batch, height, width, channels = x.shape
    h = norm(x, self.dtype).reshape(batch, height * width, channels)
    q, k, v = (nn.Dense(channels, dtype=self.dtype)(h) for _ in range(3))
    heads = lambda a: a.reshape(batch, height * width, max(channels // 32, 1), -1)
    h = jax.nn.dot_product_attention(heads(q), heads(k), heads(v)).reshape(x.shape)
    return x + nn.Dense(channels, dtype=self.dtype, kernel_init=nn.initializers.zeros)(h)


class UNet(nn.Module):
  """Images [B, H, W, C] and a condition [B, E] -> float32 [B, H, W, C], 0 at the start.

  One resolution for each of `widths`, halving, `blocks` residual blocks down and one more up; attention where the
  height is in `attention`. Sizes that are odd on the way down are rounded up, and cut on the way up.
  """

  widths: tuple[int, ...]
  blocks: int = 1
  attention: tuple[int, ...] = ()
  dropout: float = 0.0
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, c, train: bool = False):
    channels = x.shape[-1]

    def block(h, width):
      h = Block(width, self.dropout, self.dtype)(h, c, train)
      return Attention(self.dtype)(h) if h.shape[1] in self.attention else h

    h = Conv(self.widths[0], (3, 3), dtype=self.dtype)(x)
    skips = [h]
    for i, width in enumerate(self.widths):
      if i:
        h = Conv(width, (3, 3), (2, 2), dtype=self.dtype)(h)
        skips.append(h)
      for _ in range(self.blocks):
        h = block(h, width)
        skips.append(h)
    h = block(h, self.widths[-1])
    for i, width in reversed(list(enumerate(self.widths))):
      for _ in range(self.blocks + 1):
        h = block(jnp.concatenate([h, skips.pop()], -1), width)
      if i:
        rows, columns = skips[-1].shape[1:3]
        h = jnp.repeat(jnp.repeat(h, 2, 1), 2, 2)[:, :rows, :columns]
    h = nn.silu(norm(h, self.dtype))
    return Conv(channels, (3, 3), dtype=jnp.float32, kernel_init=nn.initializers.zeros)(h)
