"""Plain convolutional encoder and decoder for images of any size."""

from collections.abc import Callable
import math

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.nn.conv import Conv, ConvTranspose


class Encoder(nn.Module):
  """Images [B, H, W, C] -> float32 [B, features]; each of `widths` halves them, rounding up."""

  widths: tuple[int, ...]
  features: int
  activation: Callable = nn.gelu
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    for width in self.widths:
      x = self.activation(Conv(width, (4, 4), (2, 2), dtype=self.dtype)(x))
    return nn.Dense(self.features, dtype=jnp.float32)(x.reshape(len(x), -1))


class Decoder(nn.Module):
  """Vectors [B, D] -> float32 [B, *shape], shape = (H, W, C): the encoder's mirror image.

  `widths` are then the encoder's in reverse. Each transposed convolution doubles the image, less a
  row or a column where the encoder rounded up. The 4 x 4 kernel is a multiple of the stride, so
  that all pixels are sums of equally many terms, without checkerboards (Odena et al. 2016).
  """

  widths: tuple[int, ...]
  shape: tuple[int, int, int]
  activation: Callable = nn.gelu
  dtype: str = "float32"

  @nn.compact
  def __call__(self, z):
    *size, channels = self.shape
    n = len(self.widths)
    sizes = [[-(-s // 2**i) for s in size] for i in range(n, -1, -1)]  # Halved, rounded up.
    smallest = sizes[0]
    x = nn.Dense(math.prod(smallest) * self.widths[0], dtype=self.dtype)(z)
    x = x.reshape(len(z), *smallest, self.widths[0])
    outputs = (*self.widths[1:], channels)
    dtypes = [self.dtype] * (n - 1) + [jnp.float32]
    for width, (h, w), dtype in zip(outputs, sizes[1:], dtypes):
      x = ConvTranspose(width, (4, 4), (2, 2), dtype=dtype)(self.activation(x))
      x = x[:, :h, :w]
    return x
