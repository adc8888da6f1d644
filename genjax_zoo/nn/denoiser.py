"""What the networks of diffusion models share: all are called (x, noise, c, train).

x [B, *shape] is noisy data, noise [B] or [1] its noise level, `c` a condition
(models/_condition.py).
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.condition import Condition, condition_channels
from genjax_zoo.nn.embed import fourier_features


class ResidualMLP(nn.Module):
  """x [B, D] -> float32 [B, out], 0 at the start: a residual layer for each of `widths`.

  Nothing is normalised, which would hide how far out a point is.
  """

  widths: tuple[int, ...]
  out: int
  dropout: float = 0.0
  dtype: str = "float32"
  fields: tuple[tuple[str, Any], ...] = ()
  nulls: tuple[str, ...] = ()

  @nn.compact
  def __call__(self, x, noise, c={}, train: bool = False):
    vector = Condition(self.widths[0], self.fields, self.nulls)(noise, c).vector
    dense = lambda size: nn.Dense(size, dtype=self.dtype)
    h = dense(self.widths[0])(x)
    for width in self.widths:
      scale, shift = jnp.split(nn.Dense(2 * width)(vector), 2, -1)
      inside = nn.silu(dense(width)(nn.silu(h)) * (1 + scale) + shift)
      inside = nn.Dropout(self.dropout, deterministic=not train)(inside)
      h = (h if h.shape[-1] == width else dense(width)(h)) + dense(width)(inside)
    return nn.Dense(self.out, kernel_init=nn.initializers.zeros)(nn.silu(h).astype(jnp.float32))


class Denoiser(nn.Module):
  """`body` on data of any shape: flattened for vectors, or with patches made channels.

  Images and maps of the condition join the channels before patches are made, and so do Fourier
  features of the powers `fourier`. x [B, *shape] -> float32 [B, *shape[:-1], channels], where the
  body's `out` counts the channels of a patch, or all numbers of flattened data.
  """

  body: nn.Module
  patch: int | tuple[int, ...]  # Its size along every axis, or along each; 0 flattens all.
  fourier: tuple[int, ...] = ()
  fields: tuple[tuple[str, Any], ...] = ()

  @nn.compact
  def __call__(self, x, noise, c={}, train: bool = False):
    parts = [x]
    if self.fourier:
      parts.append(fourier_features(x, self.fourier))
    if x.ndim == 4 and (channels := condition_channels(c, self.fields, x.shape[1:3])) is not None:
      parts.append(channels)
    x = jnp.concatenate(parts, -1) if len(parts) > 1 else x
    fold, unfold = patches(x.shape, self.patch)
    return unfold(self.body(fold(x), noise, c, train))


def patches(shape, p: int | tuple[int, ...]):
  """(fold, unfold): [B, H, W, C] to [B, H / p, W / p, p p C] and back, for any number of channels.

  Any number of axes is folded likewise, each by p or by its own size. p = 0 flattens: [B, H W C];
  p = 1 changes nothing.
  """
  n, *space, channels = shape
  if p == 1:
    return lambda x: x, lambda y: y
  if not p:
    return lambda x: x.reshape(n, -1), lambda y: y.reshape(n, *space, -1)
  sizes = (p,) * len(space) if isinstance(p, int) else p
  numbers = [size // part for size, part in zip(space, sizes)]
  # Axes alternate, [B, H / p, p, W / p, p, C]; apart they are [B, H / p, W / p, p, p, C].
  pairs = [size for pair in zip(numbers, sizes) for size in pair]
  axes = range(1, 1 + len(pairs))
  apart = (0, *axes[::2], *axes[1::2], 1 + len(pairs))
  together = np.argsort(apart)

  def fold(x):
    return x.reshape(n, *pairs, channels).transpose(apart).reshape(n, *numbers, -1)

  def unfold(y):
    return y.reshape(n, *numbers, *sizes, -1).transpose(together).reshape(n, *space, -1)

  return fold, unfold
