"""Multilayer perceptron."""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp


class MLP(nn.Module):
  """x [..., D] -> float32 [..., sizes[-1]]: dense layers with `activation` between them."""

  sizes: tuple[int, ...]
  activation: Callable = nn.gelu
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    for size in self.sizes[:-1]:
      x = self.activation(nn.Dense(size, dtype=self.dtype)(x))
    return nn.Dense(self.sizes[-1], dtype=jnp.float32)(x)
