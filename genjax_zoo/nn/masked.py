"""Networks whose weights are masked, so that outputs depend on some inputs only."""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.conv import conv_general_dilated


def draw_degrees(rng, dim: int, hidden: tuple[int, ...], raster: bool = False) -> list[np.ndarray]:
  """Degrees [dim], [hidden_1], ..: the place of each input in an order, and how far each hidden unit sees along it.

  The order is 0 .. dim-1 if `raster`, else drawn by `rng`, a numpy Generator. A unit of degree m sees inputs of
  degrees <= m. The degrees of a layer are drawn uniformly between the least of the layer before and dim - 2 (MADE,
  1502.03509, section 4.2): no unit sees all inputs, for no output could use it.
  """
  degrees = [np.arange(dim) if raster else rng.permutation(dim)]
  for width in hidden:
    degrees.append(rng.integers(min(degrees[-1].min(), dim - 2), max(dim - 1, 1), width))
  return degrees


def bias(module, y):
  """The parameter "bias" of a module with outputs y [.., O], as [1, .., O]."""
  value = module.param("bias", nn.initializers.zeros, y.shape[-1:])
  return jnp.expand_dims(value, range(y.ndim - 1)).astype(y.dtype)


class MaskedDense(nn.Module):
  """x [..., I] -> [..., O]: a dense layer whose weights [I, O] count where `mask` is true."""

  features: int
  use_bias: bool = True
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, mask):
    kernel = self.param("kernel", nn.initializers.lecun_normal(), mask.shape)
    y = x.astype(self.dtype) @ jnp.where(mask, kernel, 0.0).astype(self.dtype)
    return y + bias(self, y) if self.use_bias else y


class MaskedMLP(nn.Module):
  """x [B, D], degrees [D], [hidden_1], .. -> float32 [B, D, outputs]: outputs of d depend on inputs of lower degree.

  With `direct`, masked weights also lead from the inputs to the outputs (MADE, 1502.03509, section 4.1).
  """

  hidden: tuple[int, ...]
  outputs: int
  direct: bool = True
  activation: Callable = nn.relu
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, degrees):
    first, size = degrees[0], len(degrees[0]) * self.outputs
    last = jnp.repeat(first, self.outputs)
    h, seen = x, first
    for width, degree in zip(self.hidden, degrees[1:]):
      h = self.activation(MaskedDense(width, dtype=self.dtype)(h, seen[:, None] <= degree[None]))
      seen = degree
    out = MaskedDense(size)(h, seen[:, None] < last[None])
    if self.direct:
      out += MaskedDense(size, use_bias=False)(x, first[:, None] < last[None])
    return out.reshape(len(x), -1, self.outputs)


def groups(features: int, channels: int) -> np.ndarray:
  """The channel [features] that each feature belongs to: features of channel c may know channels up to c."""
  return np.arange(features) * channels // features


class MaskedConv(nn.Module):
  """x [B, H, W, I] -> [B, H', W', O]: a convolution whose kernel [h, w, I, O] counts where `mask` is true."""

  features: int
  kernel_size: tuple[int, int] = (1, 1)
  padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, mask):
    shape = (*self.kernel_size, x.shape[-1], self.features)
    kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
    kernel = jnp.where(jnp.broadcast_to(mask, shape), kernel, 0.0).astype(self.dtype)
    layout = ("NHWC", "HWIO", "NHWC")
    y = conv_general_dilated(x.astype(self.dtype), kernel, (1, 1), self.padding, dimension_numbers=layout)
    return y + bias(self, y)


def causal_row(size: int, seen: np.ndarray, made: np.ndarray, strict: bool) -> np.ndarray:
  """The mask [1, size, I, O] of a convolution along a row whose last tap is the present pixel.

  The taps to the left count. In the present pixel a feature of group `made` [O] sees those of groups `seen` [I] before
  its own if `strict` (mask A, the first layer), else its own too (mask B); a group is a channel (1601.06759, 3.4).
  """
  mask = np.ones((1, size, len(seen), len(made)), bool)
  before = seen[:, None] < made[None] if strict else seen[:, None] <= made[None]
  mask[0, -1] = before
  return mask
