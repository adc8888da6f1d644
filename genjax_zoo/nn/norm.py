"""Normalization: of groups of channels, under a condition, of each image alone, of each pixel."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np


class GroupNorm(nn.Module):
  """x [B, ..., C] -> the same shape, each group of channels with mean 0 and variance 1.

  Over the positions and channels of a group, for each example. There are at most 32 groups, of at
  least 4 channels (Wu & He 2018, arXiv:1803.08494). `scale` and `shift`, [B, C] or [1, C], go on
  top: y (1 + scale) + shift.

  Means over positions come first, then those over groups, then one multiply-add of x: on the CPU
  this is more than twice as fast as flax's. Those over groups are a product with a constant matrix:
  XLA would gather repeated ones at every position.
  """

  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, scale=None, shift=None):
    n, channels = len(x), x.shape[-1]
    groups = math.gcd(32, max(channels // 4, 1))
    gain = self.param("scale", nn.initializers.ones, (channels,))
    bias = self.param("bias", nn.initializers.zeros, (channels,))

    group = np.arange(channels) * groups // channels
    together = group[:, None] == group[None]
    averages = np.float32(together / together.sum(0))

    def group_mean(m):
      """The mean over each channel's group, [B, C]."""
      return jnp.matmul(m, averages, precision="highest")

    flat = x.astype(jnp.float32).reshape(n, -1, channels)
    mean = group_mean(flat.mean(1))
    # Rounding may make the difference slightly negative.
    var = jnp.maximum(group_mean((flat**2).mean(1)) - mean**2, 0)
    # y = a x + b
    a = gain[None] * jax.lax.rsqrt(var + 1e-5)
    b = bias[None] - mean * a
    if scale is not None:
      a, b = a * (1 + scale), b * (1 + scale) + shift
    positions = [1] * (x.ndim - 2)
    a = a.reshape(n, *positions, channels).astype(self.dtype)
    b = b.reshape(n, *positions, channels).astype(self.dtype)
    return x.astype(self.dtype) * a + b


def instance_norm(x):
  """x [B, H, W, C], each channel of each image with mean 0 and variance 1 (arXiv:1607.08022).

  It erases how bright an image is as a whole: a network whose last layers have it can't paint a
  flat background of a given colour.
  """
  mean = x.mean((1, 2), keepdims=True)
  # Rounding may make the difference slightly negative.
  var = jnp.maximum((x**2).mean((1, 2), keepdims=True) - mean**2, 0)
  return (x - mean) * jax.lax.rsqrt(var + 1e-5)


def pixel_norm(x):
  """Features [..., C] over their root mean square (Karras 2018, arXiv:1710.10196)."""
  return x * jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-8)
