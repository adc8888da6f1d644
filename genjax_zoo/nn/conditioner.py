"""Networks that give the parameters of a coupling, or of another map of the remaining elements.

Their last layers start at zero, so that every affine or additive coupling starts as the identity.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.conv import Conv


def uniform_bias(inputs: int):
  """An initializer of biases, uniform in +-2 / sqrt(inputs).

  With zero biases all kinks of ReLUs of a single input would lie at 0.
  """
  edge = 2 / inputs**0.5
  return lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, -edge, edge)


class DenseConditioner(nn.Module):
  """x [B, A] -> params [B, *shape], shape = (transformed elements, parameters of each); an MLP."""

  hidden: tuple[int, ...]
  shape: tuple[int, int]
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    for width in self.hidden:
      x = nn.relu(nn.Dense(width, bias_init=uniform_bias(x.shape[-1]), dtype=self.dtype)(x))
    # Parameters of densities in at least float32, whatever the network's precision is.
    wide = jnp.promote_types(self.dtype, jnp.float32)
    x = nn.Dense(math.prod(self.shape), kernel_init=nn.initializers.zeros, dtype=wide)(x)
    return x.reshape(len(x), *self.shape)


class ConvConditioner(nn.Module):
  """Images [B, H, W, C] -> params [B, H, W, *shape]: a residual network of 3 x 3 convolutions.

  `blocks` residual blocks of `width` channels, each a 3 x 3 and a 1 x 1 convolution.
  """

  width: int
  blocks: int
  shape: tuple[int, int]
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    x = Conv(self.width, (3, 3), dtype=self.dtype)(x)
    for _ in range(self.blocks):
      h = nn.relu(Conv(self.width, (3, 3), dtype=self.dtype)(nn.relu(x)))
      x += Conv(self.width, (1, 1), dtype=self.dtype)(h)
    x = nn.relu(x)
    wide = jnp.promote_types(self.dtype, jnp.float32)
    size = math.prod(self.shape)
    x = Conv(size, (3, 3), kernel_init=nn.initializers.zeros, dtype=wide)(x)
    return x.reshape(*x.shape[:-1], *self.shape)
