"""Which points of a cloud a camera sees: those that no nearer point of the same pixel hides."""

import jax
import jax.numpy as jnp

from genjax_zoo.prob import cameras


def visible(points, azimuth, elevation, size: int = 10, behind: float = 0.25):
  """Whether a camera sees points [N, 3] of the unit ball, bool [N].

  By a depth buffer of `size` x `size` pixels: of the points on the rays of a pixel those are seen
  that are at most `behind` farther from the camera than the nearest. A cloud has few points and its
  surface no holes, so pixels are coarse, and `behind` is how steep a surface may be in one.
  """
  camera = jnp.reshape(azimuth, 1), jnp.reshape(elevation, 1)
  place = cameras.project(points, *camera)
  column, row = jnp.clip(jnp.floor(place * size), 0, size - 1).astype(jnp.int32).T
  pixel = row * size + column
  back, _, _ = cameras.frame(*camera)
  depth = jnp.linalg.norm(cameras.DISTANCE * back - points, axis=-1)
  nearest = jax.ops.segment_min(depth, pixel, size**2)
  return depth <= nearest[pixel] + behind


def random_camera(key):
  """(azimuth, elevation) of a camera in a direction uniform on the sphere."""
  k_azimuth, k_elevation = jax.random.split(key)
  azimuth = jax.random.uniform(k_azimuth, maxval=2 * jnp.pi)
  return azimuth, jnp.arcsin(jax.random.uniform(k_elevation, minval=-1, maxval=1))


def occluded(points, seen):
  """Points [N, 3] with those that are not `seen` [N] at the place of one that is.

  As a set it is the seen part, in an array that has the size of the whole.
  """
  return jnp.where(seen[:, None], points, points[jnp.argmax(seen)][None])
