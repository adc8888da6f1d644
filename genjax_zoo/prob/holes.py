"""Holes in images: which pixels are known, and what fills the others in without learning.

Every function of HOLES is (key, n, h, w) -> known float32 [n, h, w, 1], 1 where a pixel is known.
"""

import jax
import jax.numpy as jnp
import numpy as np

LINES = 4  # Of the strokes in an image.
RADII = 1 / 32, 1 / 10  # Of a stroke, the least and the most, in units of the image's side.
SIDES = 1 / 3, 4 / 3  # Of a box, the least and the most, likewise.


def segment_distance(places, start, end):
  """The distance of places [P, 2] from the segment between two points [2], [P]."""
  along = end - start
  t = (places - start[None]) @ along / jnp.maximum(along @ along, 1e-6)
  nearest = start[None] + jnp.clip(t, 0, 1)[:, None] * along[None]
  return jnp.linalg.norm(places - nearest, axis=-1)


def strokes(key, n, h, w):
  """Thick lines between random points are missing, a quarter of the pixels in the mean."""
  rows, columns = jnp.meshgrid((jnp.arange(h) + 0.5) / h, (jnp.arange(w) + 0.5) / w, indexing="ij")
  places = jnp.stack([rows.ravel(), columns.ravel()], -1)

  def one(key):
    k_ends, k_radius = jax.random.split(key)
    ends = jax.random.uniform(k_ends, (2, LINES, 2))
    radii = jax.random.uniform(k_radius, (LINES,), minval=RADII[0], maxval=RADII[1])
    distances = jax.vmap(segment_distance, (None, 0, 0))(places, *ends)
    return (distances > radii[:, None]).all(0).reshape(h, w, 1)

  return jax.vmap(one)(jax.random.split(key, n)).astype(jnp.float32)


def centre(key, n, h, w):
  """The square of half the sides in the middle is missing, the same in every image."""
  inside = lambda size: abs(jnp.arange(size) - (size - 1) / 2) < size / 4
  known = ~(inside(h)[:, None] & inside(w)[None])
  return jnp.broadcast_to(known[None, ..., None], (n, h, w, 1)).astype(jnp.float32)


def lower(key, n, h, w):
  """The lower half is missing, in every image."""
  known = jnp.arange(h)[None, :, None, None] < h / 2
  return jnp.broadcast_to(known, (n, h, w, 1)).astype(jnp.float32)


def box(key, n, h, w):
  """A rectangle of random sides about a random place is missing, of each image its own.

  It is cut off at the edges of the image; 0.41 of the pixels are missing in the mean.
  """
  k_middle, k_side = jax.random.split(key)
  middle = jax.random.uniform(k_middle, (n, 2))
  side = jax.random.uniform(k_side, (n, 2), minval=SIDES[0], maxval=SIDES[1])

  def inside(axis, size):
    places = (jnp.arange(size) + 0.5) / size
    return jnp.abs(places[None] - middle[:, axis, None]) < side[:, axis, None] / 2

  hole = inside(0, h)[:, :, None] & inside(1, w)[:, None]
  return (~hole)[..., None].astype(jnp.float32)


HOLES = {"strokes": strokes, "centre": centre, "lower": lower, "box": box}


def nearest(x, known):
  """Images x [B, H, W, C], each unknown pixel that of the nearest known one.

  Of several as near it is the first in raster order; where no pixel is known it is the first one.
  """
  n, h, w, channels = x.shape
  rows, columns = np.unravel_index(np.arange(h * w), (h, w))
  squares = (rows[:, None] - rows[None]) ** 2 + (columns[:, None] - columns[None]) ** 2

  def one(image):
    pixels, seen = image
    source = jnp.where(seen[None] > 0, squares, h**2 + w**2).argmin(1)
    return pixels[source]

  flat = x.reshape(n, h * w, channels), known.reshape(n, h * w)
  return jax.lax.map(one, flat).reshape(x.shape)
