"""Fields in the cube [-1, 1]^3: networks that give each point a density and a colour."""

import itertools

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.nn.embed import fourier_features
from genjax_zoo.nn.mlp import MLP

DENSE = 10.0  # The density where `to_density` is given 1, about: a surface is opaque in 0.3.
RATE = 20.0  # Of values on a grid over parameters, so that these learn at the rate of networks.


def to_density(x):
  """Densities >= 0 of any numbers."""
  return DENSE * nn.softplus(x)


def inside(points):
  """1.0 where points [..., 3] are in the cube [-1, 1]^3, else 0.0: [...]."""
  return (jnp.abs(points) <= 1).all(-1).astype(jnp.float32)


def trilinear(grid, points):
  """Values [..., C] at points [..., 3] between those of a grid [G, G, G, C], trilinear.

  The grid's corners are those of the cube [-1, 1]^3; outside of it the nearest value holds.
  """
  n = len(grid)
  place = (jnp.clip(points, -1, 1) + 1) / 2 * (n - 1)
  low = jnp.minimum(jnp.floor(place), n - 2)
  part = place - low
  first = jnp.dot(low.astype(jnp.int32), jnp.array([n * n, n, 1]))
  rows = grid.reshape(n**3, -1)
  total = 0.0
  for i, j, k in itertools.product((0, 1), repeat=3):
    shares = (part[..., axis] if up else 1 - part[..., axis] for axis, up in enumerate((i, j, k)))
    x, y, z = shares
    total += (x * y * z)[..., None] * rows[first + (i * n + j) * n + k]
  return total


class RadianceField(nn.Module):
  """NeRF's network: points, directions [..., 3] -> (density [...], colour [..., 3] in [0, 1]).

  (Mildenhall 2020, arXiv:2003.08934.) A positional encoding makes fine detail visible; directions
  enter after the density, which cannot depend on them.
  """

  width: int = 64
  depth: int = 4
  powers: int = 6  # Of the encoding of points; directions have two.

  @nn.compact
  def __call__(self, points, directions):
    encoded = jnp.concatenate([points, fourier_features(points, tuple(range(self.powers)))], -1)
    h = encoded
    for i in range(self.depth):
      if i and i == self.depth // 2:
        h = jnp.concatenate([h, encoded], -1)
      h = nn.relu(nn.Dense(self.width)(h))
    density = to_density(nn.Dense(1)(h)[..., 0] - 1) * inside(points)
    view = jnp.broadcast_to(fourier_features(directions, (0, 1)), (*h.shape[:-1], 12))
    h = nn.relu(nn.Dense(self.width // 2)(jnp.concatenate([h, view], -1)))
    return density, nn.sigmoid(nn.Dense(3)(h))


class VoxelField(nn.Module):
  """The same from values on a grid of `size`³ corners, without a network; directions do not count.

  (As Sun 2022, arXiv:2111.11215, has it: the density is that of interpolated numbers, so that its
  surfaces are not as coarse as the grid.)
  """

  size: int = 48

  @nn.compact
  def __call__(self, points, directions):
    values = RATE * trilinear(self.param("grid", self.start, (self.size,) * 3), points)
    return to_density(values[..., 0]) * inside(points), nn.sigmoid(values[..., 1:])

  @staticmethod
  def start(key, shape):
    """A thin gray mist, [*shape, 4]."""
    grid = 0.1 * nn.initializers.normal(1.0)(key, (*shape, 4))
    return grid.at[..., 0].add(-3.0) / RATE


class Surroundings(nn.Module):
  """What rays see that pass the cube: unit directions [..., 3] -> colours [..., 3] in [0, 1]."""

  width: int = 32

  @nn.compact
  def __call__(self, directions):
    encoded = fourier_features(directions, (0, 1, 2, 3, 4))
    return nn.sigmoid(MLP((self.width, self.width, 3), nn.relu)(encoded))
