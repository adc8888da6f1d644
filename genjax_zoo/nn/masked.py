"""Layers with masked weights, whose outputs depend on some of their inputs only."""

from collections.abc import Callable

import flax.linen as nn
from jax import lax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.conv import conv_general_dilated


def draw_degrees(rng, dim: int, hidden: tuple[int, ...], raster: bool = False) -> list[np.ndarray]:
  """Degrees [dim], [hidden_1], ..: the order of the inputs, and the inputs that a unit depends on.

  The order is 0 .. dim-1 if `raster`, else a random one; `rng` is a numpy Generator. A hidden unit
  of degree m depends on inputs of degree <= m. The degrees of a layer are uniform between the least
  of the layer before and dim - 2 (MADE, 1502.03509, section 4.2): a unit that depends on all inputs
  could feed no output.
  """
  degrees = [np.arange(dim) if raster else rng.permutation(dim)]
  highest = max(dim - 2, 0)
  for width in hidden:
    # With dim = 1 the least degree would be -1: such units have no input at all.
    lowest = min(degrees[-1].min(), dim - 2)
    degrees.append(rng.integers(lowest, highest + 1, width))
  return degrees


def bias(module, y):
  """The parameter "bias" of a module with outputs y [.., O], as [1, .., O]."""
  value = module.param("bias", nn.initializers.zeros, y.shape[-1:])
  return jnp.expand_dims(value, range(y.ndim - 1)).astype(y.dtype)


class MaskedDense(nn.Module):
  """x [..., I] -> [..., O]: a dense layer whose weights [I, O] are 0 where `mask` is false."""

  features: int
  use_bias: bool = True
  kernel_init: Callable = nn.initializers.lecun_normal()
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, mask):
    kernel = self.param("kernel", self.kernel_init, mask.shape)
    y = x.astype(self.dtype) @ jnp.where(mask, kernel, 0.0).astype(self.dtype)
    return y + bias(self, y) if self.use_bias else y


class MaskedMLP(nn.Module):
  """x [B, D F], degrees [D], [hidden_1], .. -> float32 [B, D, outputs], given lower degrees only.

  A dimension has F inputs, one after the other: F is 1, or more for one-hot values. The outputs of
  dimension d depend on the inputs of dimensions of lower degree. With `direct`, masked weights also
  lead from the inputs to the outputs (MADE, 1502.03509, section 4.1); with `zero` the weights of
  the last layer start at 0.
  """

  hidden: tuple[int, ...]
  outputs: int
  direct: bool = True
  zero: bool = False
  activation: Callable = nn.relu
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, degrees):
    dim = len(degrees[0])
    of_inputs = jnp.repeat(degrees[0], x.shape[-1] // dim)
    of_outputs = jnp.repeat(degrees[0], self.outputs)
    h = x
    below = of_inputs  # The degrees of the layer below.
    for width, degree in zip(self.hidden, degrees[1:]):
      mask = below[:, None] <= degree[None]
      h = self.activation(MaskedDense(width, dtype=self.dtype)(h, mask))
      below = degree
    last_init = nn.initializers.zeros if self.zero else nn.initializers.lecun_normal()
    last = MaskedDense(len(of_outputs), kernel_init=last_init)
    out = last(h, below[:, None] < of_outputs[None])
    if self.direct:
      skip = MaskedDense(len(of_outputs), use_bias=False)
      out += skip(x, of_inputs[:, None] < of_outputs[None])
    return out.reshape(len(x), dim, self.outputs)


def groups(features: int, channels: int) -> np.ndarray:
  """The channel [features] of each feature: those of channel c may depend on channels up to c."""
  return np.arange(features) * channels // features


def causal(kernel_size, centre: int, inputs: np.ndarray, outputs: np.ndarray, strict: bool):
  """The mask [h, w, I, O] of a causal kernel; its last row, column `centre` is the present pixel.

  Weights on the rows above are kept, and in the present row those left of the centre. In the
  present pixel, channels decide (1601.06759, section 3.4): `inputs` [I] and `outputs` [O] are the
  channels of features, and an output feature depends on inputs of earlier channels if `strict`
  (mask A, the first layer), else of its own channel too (mask B).
  """
  mask = np.ones((*kernel_size, len(inputs), len(outputs)), bool)
  allowed = np.less if strict else np.less_equal
  mask[-1, centre] = allowed(inputs[:, None], outputs[None])
  mask[-1, centre + 1 :] = False
  return mask


class MaskedConv(nn.Module):
  """x [B, H, W, I] -> [B, H, W, O]: a convolution over the rows down to the present one.

  The kernel [h, w, I, O] is 0 where `mask` is false. Its last row lies on the present row, its
  column `centre` on the present column. With a `dilation` of d it takes every d-th row and column,
  so that it covers a rectangle of (h - 1) d + 1 rows.

  Sampling, which goes from pixel to pixel, calls `row` or `pixel` in place of the whole
  convolution. Their x is that row or pixel of the input alone; the rows before it come from the
  collection "cache", a ring of the rows that the kernel covers, with row y at y modulo their
  number. Without `cached` x is the whole input, as in a first layer, whose input is the image
  itself.
  """

  features: int
  kernel_size: tuple[int, int] = (1, 1)
  centre: int = 0
  dtype: str = "float32"
  cached: bool = True
  dilation: int = 1

  def __call__(self, x, mask=True):
    rows, columns = self.covers
    if self.cached and rows * columns > 1 and self.is_mutable_collection("cache"):
      B, _, W, features = x.shape
      ring = jnp.zeros((B, rows, W + columns - 1, features), self.dtype)
      self.put_variable("cache", "ring", ring)
    return self.convolve(x, mask, self.padding)

  def row(self, x, y, mask=True):
    """Row y of the output, [B, 1, W, O]."""
    width = x.shape[2] + self.covers[1] - 1
    return self.convolve(self.covered(x, y, 0, width), mask, "VALID")

  def pixel(self, x, y, column, mask=True):
    """The output at row y and a column, [B, 1, 1, O]."""
    return self.convolve(self.covered(x, y, column, self.covers[1]), mask, "VALID")

  @property
  def covers(self):
    """The numbers of rows and columns from the kernel's first to its last."""
    h, w = self.kernel_size
    return (h - 1) * self.dilation + 1, (w - 1) * self.dilation + 1

  @property
  def padding(self):
    """((top, bottom), (left, right)) of zeros around x."""
    rows, columns = self.covers
    left = self.centre * self.dilation
    return (rows - 1, 0), (left, columns - 1 - left)

  @nn.compact
  def convolve(self, x, mask, padding):
    shape = (*self.kernel_size, x.shape[-1], self.features)
    kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
    kernel = jnp.where(jnp.broadcast_to(mask, shape), kernel, 0.0).astype(self.dtype)
    layout = ("NHWC", "HWIO", "NHWC")
    x = x.astype(self.dtype)
    every = self.dilation, self.dilation
    y = conv_general_dilated(
      x, kernel, (1, 1), padding, rhs_dilation=every, dimension_numbers=layout
    )
    return y + bias(self, y)

  def covered(self, x, y, column, width: int):
    """The rows up to y that the kernel covers, from a padded column on, [B, rows, width, I]."""
    rows, columns = self.covers
    x = x.astype(self.dtype)
    size = len(x), rows, width, x.shape[-1]
    if not self.cached:
      padded = jnp.pad(x, ((0, 0), *self.padding, (0, 0)))
      return lax.dynamic_slice(padded, (0, y, column, 0), size)
    if rows * columns == 1:
      return x
    left = self.padding[1][0]
    ring = self.get_variable("cache", "ring")
    ring = lax.dynamic_update_slice(ring, x, (0, y % rows, column + left, 0))
    self.put_variable("cache", "ring", ring)
    part = lax.dynamic_slice(ring, (0, 0, column, 0), size)
    oldest_first = (y + 1 + jnp.arange(rows)) % rows
    return jnp.take(part, oldest_first, 1)


class Readout(nn.Module):
  """h [B, H, W, F], features divided among channels -> float32 outputs [B, H, W, C, K].

  Two 1 x 1 convolutions, each after a ReLU (1601.06759, table 1). The outputs of a channel depend
  on its own features and those of earlier channels.
  """

  channels: int
  outputs: int
  dtype: str = "float32"

  @nn.compact
  def __call__(self, h):
    features = groups(h.shape[-1], self.channels)
    outputs = groups(self.channels * self.outputs, self.channels)
    hidden = MaskedConv(len(features), dtype=self.dtype, name="hidden")
    h = hidden(nn.relu(h), causal((1, 1), 0, features, features, strict=False))
    last = MaskedConv(len(outputs), name="numbers")  # The name in checkpoints.
    h = last(nn.relu(h), causal((1, 1), 0, features, outputs, strict=False))
    B, H, W, _ = h.shape
    return h.astype(jnp.float32).reshape(B, H, W, self.channels, self.outputs)
