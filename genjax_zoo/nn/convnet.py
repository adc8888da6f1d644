"""Plain convolutional encoder and decoder for images of any size."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.conv import Conv


class Encoder(nn.Module):
  """Images [B, H, W, C] -> float32 [B, features]: each of `widths` halves the image, rounding up."""

  widths: tuple[int, ...]
  features: int
  activation: Callable = nn.gelu
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    for width in self.widths:
      x = self.activation(Conv(width, (3, 3), strides=(2, 2), dtype=self.dtype)(x))
    return nn.Dense(self.features, dtype=self.dtype)(x.reshape(len(x), -1)).astype(jnp.float32)


class Decoder(nn.Module):
  """Vectors [B, D] -> float32 [B, *shape], shape = (H, W, C): enlarged by nearest neighbours, then convolved."""

  widths: tuple[int, ...]
  shape: tuple[int, int, int]
  activation: Callable = nn.gelu
  dtype: str = "float32"

  @nn.compact
  def __call__(self, z):
    h, w, channels = self.shape
    sizes = [(-(-h // 2**i), -(-w // 2**i)) for i in range(len(self.widths), -1, -1)]
    x = self.activation(nn.Dense(sizes[0][0] * sizes[0][1] * self.widths[0], dtype=self.dtype)(z))
    x = x.reshape(len(z), *sizes[0], self.widths[0])
    for width, size in zip(self.widths, sizes[1:]):
      x = jax.image.resize(x, (len(x), *size, x.shape[-1]), "nearest")
      x = self.activation(Conv(width, (3, 3), dtype=self.dtype)(x))
    return Conv(channels, (3, 3), dtype=self.dtype)(x).astype(jnp.float32)
