"""Networks of StarGAN v2 (Choi 2020, arXiv:1912.01865): images in the style of a vector."""

import functools
import math

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.nn.conv import Conv
from genjax_zoo.nn.norm import instance_norm

leaky_relu = functools.partial(nn.leaky_relu, negative_slope=0.2)
HALF = 1 / math.sqrt(2)  # Of a sum of two maps: it keeps the variance.


def doubled(x, size: tuple[int, int]):
  """x [B, h, w, C] enlarged twice by nearest neighbour, and cut to `size`."""
  return x.repeat(2, 1).repeat(2, 2)[:, : size[0], : size[1]]


class AdaIN(nn.Module):
  """x [B, H, W, C], s [B, S] -> the mean and deviation of each channel are those that s says.

  Adaptive instance normalization (Huang & Belongie 2017, arXiv:1703.06868).
  """

  @nn.compact
  def __call__(self, x, s):
    scale, shift = jnp.split(nn.Dense(2 * x.shape[-1])(s)[:, None, None], 2, -1)
    return (1 + scale) * instance_norm(x) + shift


class Down(nn.Module):
  """x [B, H, W, C] -> [B, H / 2, W / 2, width], half of it normalised."""

  width: int

  @nn.compact
  def __call__(self, x):
    h = Conv(self.width, (4, 4), (2, 2))(leaky_relu(instance_norm(x)))
    h = Conv(self.width, (3, 3))(leaky_relu(instance_norm(h)))
    return HALF * (h + Conv(self.width, (2, 2), (2, 2), use_bias=False)(x))


class Styled(nn.Module):
  """x [B, H, W, C], s [B, S] -> [B, *size, width], with `size` None of the same size."""

  width: int

  @nn.compact
  def __call__(self, x, s, size=None):
    enlarged = (lambda x: doubled(x, size)) if size else lambda x: x
    h = Conv(self.width, (3, 3))(enlarged(leaky_relu(AdaIN()(x, s))))
    h = Conv(self.width, (3, 3))(leaky_relu(AdaIN()(h, s)))
    skip = x if x.shape[-1] == self.width else Conv(self.width, (1, 1), use_bias=False)(x)
    return HALF * (h + enlarged(skip))


class StyledTranslator(nn.Module):
  """Images [B, H, W, C], styles [B, S] -> images [B, H, W, channels], None for C.

  Each of `widths` but the first halves the image; then come `blocks` styled blocks, and the way
  back in the style. Nothing normalises the last map: a flat background would be lost.
  """

  widths: tuple[int, ...]
  blocks: int = 2
  channels: int | None = None

  @nn.compact
  def __call__(self, x, s):
    channels = self.channels or x.shape[-1]
    x = Conv(self.widths[0], (3, 3))(x)
    sizes = []
    for width in self.widths[1:]:
      sizes.append(x.shape[1:3])
      x = Down(width)(x)
    for _ in range(self.blocks):
      x = Styled(self.widths[-1])(x, s)
    for width in self.widths[-2::-1]:
      x = Styled(width)(x, s, sizes.pop())
    return Conv(channels, (1, 1))(leaky_relu(x))


class DomainHeads(nn.Module):
  """Images -> [B, domains, features]: what a network says of an image in each domain."""

  widths: tuple[int, ...]
  domains: int
  features: int

  @nn.compact
  def __call__(self, x):
    x = Conv(self.widths[0], (3, 3))(x)
    for width in self.widths[1:]:
      x = Conv(width, (4, 4), (2, 2))(leaky_relu(x))
    x = nn.Dense(self.widths[-1])(leaky_relu(x).reshape(len(x), -1))
    x = nn.Dense(self.domains * self.features)(leaky_relu(x))
    return x.reshape(len(x), self.domains, self.features)


class Mapping(nn.Module):
  """z [B, D] -> styles [B, domains, features]."""

  width: int
  domains: int
  features: int

  @nn.compact
  def __call__(self, z):
    for _ in range(3):
      z = nn.relu(nn.Dense(self.width)(z))
    z = nn.Dense(self.domains * self.features)(z)
    return z.reshape(len(z), self.domains, self.features)
