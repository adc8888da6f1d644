"""Networks that say how a coupling moves its numbers; zero at first, so that every coupling starts
as the identity.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.conv import Conv


def spread(inputs: int):
  """An initializer of biases in +-2 / sqrt(inputs): zeros would put all kinks of a rectifier of one
  number at 0.
  """
  edge = 2 / inputs**0.5
  return lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, -edge, edge)


class DenseConditioner(nn.Module):
  """x [B, A] -> params [B, *shape], shape = (numbers to move, parameters of each): a perceptron."""

  hidden: tuple[int, ...]
  shape: tuple[int, int]
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    for width in self.hidden:
      x = nn.relu(nn.Dense(width, bias_init=spread(x.shape[-1]), dtype=self.dtype)(x))
    wide = jnp.promote_types(self.dtype, jnp.float32)
    x = nn.Dense(math.prod(self.shape), kernel_init=nn.initializers.zeros, dtype=wide)(x)
    return x.reshape(len(x), *self.shape)


class ConvConditioner(nn.Module):
  """Images [B, H, W, C] -> params [B, H, W, *shape]: `blocks` residual blocks of 3 x 3 and 1 x 1
  convolutions.
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
    wide = jnp.promote_types(self.dtype, jnp.float32)
    x = Conv(math.prod(self.shape), (3, 3), kernel_init=nn.initializers.zeros, dtype=wide)(
      nn.relu(x)
    )
    return x.reshape(*x.shape[:-1], *self.shape)
