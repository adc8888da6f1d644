"""Networks whose weights are masked, so that outputs depend on some inputs only."""

from collections.abc import Callable

import flax.linen as nn
from jax import lax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.conv import conv_general_dilated


def draw_degrees(rng, dim: int, hidden: tuple[int, ...], raster: bool = False) -> list[np.ndarray]:
  """Degrees [dim], [hidden_1], ..: the place of each input in an order, and how far each hidden
  unit sees along it.

  The order is 0 .. dim-1 if `raster`, else drawn by `rng`, a numpy Generator. A unit of degree m
  sees inputs of degrees <= m. The degrees of a layer are drawn uniformly between the least of the
  layer before and dim - 2 (MADE, 1502.03509, section 4.2): no unit sees all inputs, for no output
  could use it.
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
  kernel_init: Callable = nn.initializers.lecun_normal()
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, mask):
    kernel = self.param("kernel", self.kernel_init, mask.shape)
    y = x.astype(self.dtype) @ jnp.where(mask, kernel, 0.0).astype(self.dtype)
    return y + bias(self, y) if self.use_bias else y


class MaskedMLP(nn.Module):
  """x [B, D], degrees [D], [hidden_1], .. -> float32 [B, D, outputs]: outputs of d depend on inputs
  of lower degree.

  With `direct`, masked weights also lead from the inputs to the outputs (MADE, 1502.03509, section
  4.1); with `zero` the last hidden layer's weights start at 0.
  """

  hidden: tuple[int, ...]
  outputs: int
  direct: bool = True
  zero: bool = False
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
    last_init = nn.initializers.zeros if self.zero else nn.initializers.lecun_normal()
    out = MaskedDense(size, kernel_init=last_init)(h, seen[:, None] < last[None])
    if self.direct:
      out += MaskedDense(size, use_bias=False)(x, first[:, None] < last[None])
    return out.reshape(len(x), -1, self.outputs)


def groups(features: int, channels: int) -> np.ndarray:
  """The channel [features] that each feature belongs to: features of channel c may know channels up
  to c.
  """
  return np.arange(features) * channels // features


class MaskedConv(nn.Module):
  """x [B, H, W, I] -> [B, H, W, O]: a causal convolution whose kernel [h, w, I, O] counts where
  `mask` is true.

  The kernel's last row lies on the present row, its column `centre` on the present column. With
  `at` = (row, column) only that pixel is computed, [B, 1, 1, O], and with (row, None) that row, [B,
  1, W, O]: from the whole x, or from that pixel or row of x alone and a ring of the last h rows,
  which the collection "cache" holds from call to call.
  """

  features: int
  kernel_size: tuple[int, int] = (1, 1)
  centre: int = 0
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, mask=True, at=None):
    shape = (*self.kernel_size, x.shape[-1], self.features)
    kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
    kernel = jnp.where(jnp.broadcast_to(mask, shape), kernel, 0.0).astype(self.dtype)
    (h, w), x = self.kernel_size, x.astype(self.dtype)
    padding = ((h - 1, 0), (self.centre, w - 1 - self.centre))
    if h * w > 1 and at is None:
      self.ring(jnp.pad(x, ((0, 0), (0, 0), padding[1], (0, 0))))
    elif at is not None:
      x, padding = self.neighbours(x, padding, at), ((0, 0), (0, 0))
    layout = ("NHWC", "HWIO", "NHWC")
    y = conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=layout)
    return y + bias(self, y)

  def ring(self, x):
    """The last h rows of x, zeros at first; row y stands at y modulo h."""
    shape = (len(x), self.kernel_size[0], *x.shape[2:])
    return (
      self.variable("cache", "ring", jnp.zeros, shape, x.dtype)
      if self.is_mutable_collection("cache")
      else None
    )

  def neighbours(self, x, padding, at):
    """What the kernel covers at `at`: [B, h, w, I], or [B, h, W + w - 1, I] for a row."""
    (h, w), (row, column) = self.kernel_size, at
    whole = x.shape[1] > 1 or (column is not None and x.shape[2] > 1)
    if h * w == 1 and not whole:
      return x
    first = 0 if column is None else column
    if whole:
      x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
      size = x.shape[2] if column is None else w
      return lax.dynamic_slice(x, (0, row, first, 0), (len(x), h, size, x.shape[-1]))
    ring = self.variable("cache", "ring", jnp.zeros, ())
    ring.value = lax.dynamic_update_slice(ring.value, x, (0, row % h, first + self.centre, 0))
    size = ring.value.shape[2] if column is None else w
    near = lax.dynamic_slice(ring.value, (0, 0, first, 0), (len(x), h, size, x.shape[-1]))
    return jnp.take(near, (row + 1 + jnp.arange(h)) % h, 1)


def causal(
  kernel_size, centre: int, seen: np.ndarray, made: np.ndarray, strict: bool
) -> np.ndarray:
  """The mask [h, w, I, O] of a convolution whose last row and column `centre` are the present
  pixel's.

  Rows above count, and in the present row what is left of the centre. In the present pixel a
  feature of group `made` [O] sees those of groups `seen` [I] before its own if `strict` (mask A,
  the first layer), else its own too (mask B); a group is a channel (1601.06759, 3.4).
  """
  mask = np.ones((*kernel_size, len(seen), len(made)), bool)
  mask[-1, centre] = seen[:, None] < made[None] if strict else seen[:, None] <= made[None]
  mask[-1, centre + 1 :] = False
  return mask


class Readout(nn.Module):
  """h [B, H, W, F], its features divided among channels -> float32 numbers [B, H, W, C, K]: two
  layers of 1 x 1.

  Each is preceded by a ReLU (1601.06759, table 1); the numbers of a channel come from its features
  and earlier ones.
  """

  channels: int
  outputs: int
  dtype: str = "float32"

  @nn.compact
  def __call__(self, h, at=None):
    own, made = (
      groups(h.shape[-1], self.channels),
      groups(self.channels * self.outputs, self.channels),
    )
    hidden = MaskedConv(len(own), dtype=self.dtype, name="hidden")
    h = hidden(nn.relu(h), causal((1, 1), 0, own, own, strict=False), at)
    out = MaskedConv(len(made), name="numbers")(
      nn.relu(h), causal((1, 1), 0, own, made, strict=False), at
    )
    return out.astype(jnp.float32).reshape(*out.shape[:3], self.channels, self.outputs)
