"""Cameras that look at the origin, and the rays of their pixels.

A camera stands at azimuth a (radians, from the x axis towards y) and elevation e above the ground:

  position = distance (cos e cos a, cos e sin a, sin e)

The image's width is `width` at the distance of the origin: a point there at (u, v) in
[-1, 1]^2 width / 2 to the right and upwards of the origin is seen at that fraction of the image.
"""

import jax.numpy as jnp
import numpy as np

DISTANCE = 4.0
WIDTH = 2.6


def frame(azimuth, elevation):
  """Unit vectors [..., 3] from the origin to the camera, to the image's right, and to its top."""
  cos_a, sin_a = jnp.cos(azimuth), jnp.sin(azimuth)
  cos_e, sin_e = jnp.cos(elevation), jnp.sin(elevation)
  back = jnp.stack([cos_e * cos_a, cos_e * sin_a, sin_e], -1)
  right = jnp.stack([-sin_a, cos_a, jnp.zeros_like(sin_e + cos_a)], -1)
  up = jnp.stack([-sin_e * cos_a, -sin_e * sin_a, cos_e], -1)
  return back, right, up


def rays(azimuth, elevation, size: int, distance: float = DISTANCE, width: float = WIDTH):
  """The rays through the centres of a camera's pixels, the first row at the top.

  azimuth, elevation [...] -> origins [..., 3] and unit directions [..., size, size, 3].
  """
  back, right, up = frame(azimuth, elevation)
  across = width * ((np.arange(size) + 0.5) / size - 0.5)
  batch = (1,) * (back.ndim - 1)
  u = across.reshape(*batch, 1, size, 1)
  v = -across.reshape(*batch, size, 1, 1)
  spread = lambda x: x[..., None, None, :]
  directions = -distance * spread(back) + u * spread(right) + v * spread(up)
  return distance * back, directions / jnp.linalg.norm(directions, axis=-1, keepdims=True)


def project(points, azimuth, elevation, distance: float = DISTANCE, width: float = WIDTH):
  """Where points [..., 3] are seen by cameras [...], (column, row) [..., 2], in [0, 1] if at all.

  The inverse of `rays`: of all points of a ray it is the place of its pixel.
  """
  back, right, up = frame(azimuth, elevation)
  depth = distance - jnp.sum(points * back, -1)
  scale = distance / (depth * width)
  u = scale * jnp.sum(points * right, -1)
  v = scale * jnp.sum(points * up, -1)
  return jnp.stack([0.5 + u, 0.5 - v], -1)
