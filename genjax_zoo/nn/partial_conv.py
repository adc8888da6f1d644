"""Convolutions of images with holes (Liu 2018, arXiv:1804.07723), and a U-Net of them.

With a mask m, 1 where x is known, an output is that of the known values in its window alone, as if
they were all of it, and it is known itself where there is any:

  y  = W (x m) sum(1) / sum(m) + b   where sum(m) > 0, else 0        [eq. 1]
  m' = [sum(m) > 0]                                                   [eq. 2]

The sums are over the window and the channels; a window at the border has the pixels inside the
image alone. So no output depends on what a hole held, and holes shrink from layer to layer.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.conv import Conv

leaky_relu = functools.partial(nn.leaky_relu, negative_slope=0.2)


def window_sums(x, size: int, stride: int):
  """The sums over windows of x [B, H, W, 1], those of a convolution with the padding "SAME"."""
  window, strides = (1, size, size, 1), (1, stride, stride, 1)
  return jax.lax.reduce_window(x, 0.0, jax.lax.add, window, strides, "SAME")


class PartialConv(nn.Module):
  """x, m [B, H, W, C] -> y and its mask, both [B, H / stride, W / stride, features]."""

  features: int
  size: int = 3
  stride: int = 1

  @nn.compact
  def __call__(self, x, m):
    sums = functools.partial(window_sums, size=self.size, stride=self.stride)
    seen = sums(m.sum(-1, keepdims=True))
    whole = x.shape[-1] * sums(jnp.ones((1, *x.shape[1:3], 1)))
    y = Conv(self.features, (self.size,) * 2, (self.stride,) * 2, use_bias=False)(x * m)
    bias = self.param("bias", nn.initializers.zeros, (self.features,))
    known = seen > 0
    y = jnp.where(known, y * whole / jnp.maximum(seen, 1) + bias[None, None, None], 0.0)
    return y, jnp.broadcast_to(known, y.shape).astype(y.dtype)


def doubled(x, h: int, w: int):
  """x [B, h / 2, w / 2, C] enlarged to h x w by nearest neighbour."""
  return x.repeat(2, 1).repeat(2, 2)[:, :h, :w]


class PartialUNet(nn.Module):
  """Images x [B, H, W, C], known [B, H, W, 1] -> images [B, H, W, C] without holes.

  Each of `widths` halves the image; on the way back each layer is joined, mask and all, with what
  had its size on the way down, the last with the image itself.
  """

  widths: tuple[int, ...]

  @nn.compact
  def __call__(self, x, known):
    channels = x.shape[-1]
    m = jnp.broadcast_to(known, x.shape)
    skips = []
    for i, width in enumerate(self.widths):
      skips.append((x, m))
      x, m = PartialConv(width, 5 if i == 0 else 3, 2)(x, m)
      x = nn.relu(x)
    for width in (*self.widths[-2::-1], channels):
      other, other_m = skips.pop()
      h, w = other.shape[1:3]
      x = jnp.concatenate([doubled(x, h, w), other], -1)
      m = jnp.concatenate([doubled(m, h, w), other_m], -1)
      x, m = PartialConv(width)(x, m)
      x = leaky_relu(x) if skips else x
    return x
