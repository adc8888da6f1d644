"""Networks between an image and a grid of vectors, for autoencoders with spatial latents.

Two forms, each with `blocks` residual blocks over the grid. "conv" halves the image by strided
convolutions, one for each of `widths`, as the VQ-VAE does. "patch" makes a vector of each patch of
2^n pixels, n = len(widths), as vision transformers do: on the CPU it learns about three times
faster, and leaves the borders of its patches visible.
"""

import flax.linen as nn

from genjax_zoo.nn.conv import Conv, ConvTranspose
from genjax_zoo.nn.norm import GroupNorm


def to_patches(x, size: int):
  """Images [B, H, W, C] as patches [B, H / size, W / size, size * size * C]."""
  b, h, w, c = x.shape
  x = x.reshape(b, h // size, size, w // size, size, c).swapaxes(2, 3)
  return x.reshape(b, h // size, w // size, size * size * c)


def from_patches(x, size: int):
  """The inverse of `to_patches`."""
  b, h, w, c = x.shape
  channels = c // size**2
  x = x.reshape(b, h, w, size, size, channels).swapaxes(2, 3)
  return x.reshape(b, h * size, w * size, channels)


class Residual(nn.Module):
  """x + f(x) over a grid [B, h, w, width]; at first f is 0."""

  width: int

  @nn.compact
  def __call__(self, x):
    h = Conv(self.width, (3, 3))(nn.silu(GroupNorm()(x)))
    return x + Conv(self.width, (3, 3), kernel_init=nn.initializers.zeros)(nn.silu(GroupNorm()(h)))


class GridEncoder(nn.Module):
  """Images [B, H, W, C] -> vectors [B, H / 2^n, W / 2^n, features], n = len(widths)."""

  network: str
  widths: tuple[int, ...]
  features: int
  blocks: int = 1

  @nn.compact
  def __call__(self, x):
    if self.network == "patch":
      x = nn.Dense(self.widths[-1])(to_patches(x, 2 ** len(self.widths)))
    else:
      for width in self.widths:
        x = nn.silu(Conv(width, (4, 4), (2, 2))(x))
    for _ in range(self.blocks):
      x = Residual(self.widths[-1])(x)
    return nn.Dense(self.features)(x)


class GridDecoder(nn.Module):
  """Vectors [B, h, w, D] -> images [B, h 2^n, w 2^n, channels]: the encoder's mirror image.

  The last layer is named "last": its gradient weighs an adversarial loss (VQGAN).
  """

  network: str
  widths: tuple[int, ...]
  channels: int
  blocks: int = 1

  @nn.compact
  def __call__(self, z):
    x = nn.Dense(self.widths[-1])(z)
    for _ in range(self.blocks):
      x = Residual(self.widths[-1])(x)
    if self.network == "patch":
      size = 2 ** len(self.widths)
      return from_patches(nn.Dense(size**2 * self.channels, name="last")(x), size)
    for width in self.widths[-2::-1]:
      x = ConvTranspose(width, (4, 4), (2, 2))(nn.silu(x))
    return ConvTranspose(self.channels, (4, 4), (2, 2), name="last")(nn.silu(x))
