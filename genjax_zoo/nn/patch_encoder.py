"""Images and voxels as a set of vectors, one of each patch, for attention to look at."""

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.nn.denoiser import patches
from genjax_zoo.nn.dit import positions


class PatchEncoder(nn.Module):
  """Integers x [B, *places, C] below num_values -> [B, patches, width].

  Places are pixels [h, w] or voxels [d, h, w]. A patch, of `patch` along each of their axes, and
  where it is become a vector by two layers; no patch sees another.
  """

  width: int
  num_values: int
  patch: int

  @nn.compact
  def __call__(self, x):
    fold, _ = patches(x.shape, self.patch)
    h = nn.Dense(self.width)(fold(2 * x.astype(jnp.float32) / (self.num_values - 1) - 1))
    h += positions(h.shape[1:-1], self.width)[None]
    h = nn.Dense(self.width)(nn.gelu(h))
    return h.reshape(len(x), -1, self.width)
