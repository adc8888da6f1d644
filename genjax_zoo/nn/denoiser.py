"""What makes networks of diffusion models alike, whatever the data: all are called (x, noise,
label, extra, train).
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.nn.embed import Condition, fourier


class ResidualMLP(nn.Module):
  """x [B, D] and what `Condition` takes -> float32 [B, out], 0 at the start: a residual layer for
  each of `widths`.

  Nothing is normalised, which would hide how far out a point is.
  """

  widths: tuple[int, ...]
  out: int
  classes: int = 0
  dropout: float = 0.0
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x, noise, label=None, extra=None, train: bool = False):
    c = Condition(self.widths[0], self.classes)(noise, label, extra)
    dense = lambda size, **options: nn.Dense(size, dtype=self.dtype, **options)
    h = dense(self.widths[0])(x)
    for width in self.widths:
      scale, shift = jnp.split(nn.Dense(2 * width)(c), 2, -1)
      inside = nn.silu(dense(width)(nn.silu(h)) * (1 + scale) + shift)
      inside = nn.Dropout(self.dropout, deterministic=not train)(inside)
      h = (h if h.shape[-1] == width else dense(width)(h)) + dense(width)(inside)
    return nn.Dense(self.out, kernel_init=nn.initializers.zeros)(nn.silu(h).astype(jnp.float32))


class Denoiser(nn.Module):
  """`body` on data of any shape: flattened for vectors, or for images with patches of pixels moved
  into channels.

  Where there are `octaves`, the body sees x at these too: fine detail, made visible (see
  `fourier`). x [B, *shape], noise [B], label [B] or None, extra [B, D] or None -> float32 [B,
  *shape[:-1], outputs * shape[-1]].
  """

  body: nn.Module
  patch: int  # Of patch x patch pixels; 0 flattens all.
  octaves: tuple[int, ...] = ()

  @nn.compact
  def __call__(self, x, noise, label=None, extra=None, train: bool = False):
    x = jnp.concatenate([x, fourier(x, self.octaves)], -1) if self.octaves else x
    fold, unfold = patches(x.shape, self.patch)
    return unfold(self.body(fold(x), noise, label, extra, train))


def patches(shape, p: int):
  """(fold, unfold): [B, H, W, C] to [B, H / p, W / p, p p C] and back, C then being any; p = 0: to
  [B, H W C].
  """
  n, *space, channels = shape
  if not p:
    return lambda x: x.reshape(n, -1), lambda y: y.reshape(n, *space, -1)
  rows, columns = (size // p for size in space)

  def fold(x):
    return x.reshape(n, rows, p, columns, p, channels).swapaxes(2, 3).reshape(n, rows, columns, -1)

  def unfold(y):
    return y.reshape(n, rows, columns, p, p, -1).swapaxes(2, 3).reshape(n, *space, -1)

  return fold, unfold
