"""Networks from images to images of the same size: a U-Net (pix2pix), a residual one (CycleGAN).

They are normalised by image (`instance_norm`), but for what leads to the output: their last layers
get the input, or maps of it, as they are, and so know how bright it was.
"""

import functools

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.nn.conv import Conv, ConvTranspose
from genjax_zoo.nn.norm import instance_norm

leaky_relu = functools.partial(nn.leaky_relu, negative_slope=0.2)
FEWEST = 64  # Places of a map, below which a mean of 0 would erase what it says.
NOISY = 2  # Layers with dropout.


def normalised(x):
  """`instance_norm` of maps with enough places."""
  return instance_norm(x) if x.shape[1] * x.shape[2] >= FEWEST else x


class UNetTranslator(nn.Module):
  """Images [B, H, W, C] -> [B, H, W, out] (Isola 2017, arXiv:1611.07004, section 6.1).

  Each of `widths` halves the image, rounding up; on the way back each layer is joined with the map
  of its size on the way down. `dropout` is on the first layers of the way back: its key is the
  only noise of pix2pix.
  """

  widths: tuple[int, ...]
  out: int
  dropout: float = 0.0

  @nn.compact
  def __call__(self, x):
    sizes, skips = [], []
    for i, width in enumerate(self.widths):
      sizes.append(x.shape[1:3])
      x = Conv(width, (4, 4), (2, 2))(leaky_relu(x) if i else x)
      x = normalised(x) if i else x
      skips.append(x)
    skips.pop()
    for i, width in enumerate(self.widths[-2::-1]):
      h, w = sizes.pop()
      x = ConvTranspose(width, (4, 4), (2, 2))(nn.relu(x))[:, :h, :w]
      x = normalised(x)
      if i < NOISY:
        x = nn.Dropout(self.dropout, deterministic=False)(x)
      x = jnp.concatenate([x, skips.pop()], -1)
    h, w = sizes.pop()
    return ConvTranspose(self.out, (4, 4), (2, 2))(nn.relu(x))[:, :h, :w]


class ResidualTranslator(nn.Module):
  """Images [B, H, W, C] -> images of the same shape: halved, `blocks` residual blocks, and back.

  The network of CycleGAN (Zhu 2017, arXiv:1703.10593, section 7.2), halved `halvings` times. The
  last layer gets the images beside the normalised maps.
  """

  width: int
  blocks: int = 3
  halvings: int = 1

  @nn.compact
  def __call__(self, x):
    sizes = []
    h = nn.relu(instance_norm(Conv(self.width, (5, 5))(x)))
    for i in range(1, self.halvings + 1):
      sizes.append(h.shape[1:3])
      h = nn.relu(instance_norm(Conv(2**i * self.width, (3, 3), (2, 2))(h)))
    features = h.shape[-1]
    for _ in range(self.blocks):
      r = nn.relu(instance_norm(Conv(features, (3, 3))(h)))
      h = h + instance_norm(Conv(features, (3, 3))(r))
    for i in reversed(range(self.halvings)):
      height, width = sizes.pop()
      h = ConvTranspose(2**i * self.width, (4, 4), (2, 2))(h)[:, :height, :width]
      h = nn.relu(instance_norm(h))
    return Conv(x.shape[-1], (5, 5))(jnp.concatenate([h, x], -1))
