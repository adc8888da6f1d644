"""PointNet (Qi et al. 2017, arXiv:1612.00593): a vector of a set of points."""

import flax.linen as nn
import jax.numpy as jnp


class PointNet(nn.Module):
  """Points [B, N, D] -> [B, widths[-1]]: dense layers on each point, then the maximum over points.

  Permuting the points changes nothing. Where `seen` [B, N] is given, only those points count, of
  which there must be one.
  """

  widths: tuple[int, ...] = (64, 128)

  @nn.compact
  def __call__(self, x, seen=None):
    for width in self.widths:
      x = nn.relu(nn.LayerNorm()(nn.Dense(width)(x)))
    if seen is not None:
      x = jnp.where(seen[..., None], x, -jnp.inf)
    return x.max(-2)
