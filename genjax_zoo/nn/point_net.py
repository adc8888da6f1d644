"""PointNet (Qi et al. 2017, arXiv:1612.00593): a vector of a set of points."""

import flax.linen as nn


class PointNet(nn.Module):
  """Points [B, N, D] -> [B, widths[-1]]: dense layers on each point, then the maximum over points.

  Permuting the points changes nothing, and neither does repeating some.
  """

  widths: tuple[int, ...] = (64, 128)

  @nn.compact
  def __call__(self, x):
    for width in self.widths:
      x = nn.relu(nn.LayerNorm()(nn.Dense(width)(x)))
    return x.max(-2)
