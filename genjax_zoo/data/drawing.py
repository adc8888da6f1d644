"""Shapes of one colour on a plain ground: how they are drawn, and which is nearest to an image."""

from collections.abc import Sequence
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# Whether (u, v), v pointing up, is inside a shape that fits into the unit circle about the origin.
INSIDE = {
  "square": lambda u, v: jnp.maximum(jnp.abs(u), jnp.abs(v)) <= 0.7,
  "ellipse": lambda u, v: u**2 + (v / 0.6) ** 2 <= 1,
  "heart": lambda u, v: in_heart(1.4 * u, 1.4 * v + 0.29),
  "circle": lambda u, v: u**2 + v**2 <= 0.8,
  "triangle": lambda u, v: (v >= -0.5) & (v <= 1 - math.sqrt(3) * jnp.abs(u)),
}
COLOURS = {
  "red": (220, 40, 40),
  "green": (40, 170, 60),
  "blue": (50, 80, 220),
  "yellow": (240, 200, 30),
  "purple": (160, 60, 190),
  "cyan": (40, 200, 210),
}
BACKGROUNDS = {"black": (0, 0, 0), "grey": (128, 128, 128), "white": (255, 255, 255)}
SMOOTH = 4  # Points a pixel along each axis, whose mean it is.


def in_heart(u, v):
  """Inside the sextic (u^2 + v^2 - 1)^3 = u^2 v^3, whose centroid is (0, 0.29)."""
  return (u**2 + v**2 - 1) ** 3 <= u**2 * v**3


class Pose(NamedTuple):
  """Where a shape is: lengths are fractions of the image's width, y points down."""

  radius: jax.Array
  x: jax.Array
  y: jax.Array
  angle: float | jax.Array = 0.0


def mask(size: int, shapes: Sequence[str], shape, pose: Pose) -> jax.Array:
  """Whether the centre of each pixel is inside shape number `shape` of `shapes`, [size, size]."""
  centres = (np.arange(size) + 0.5) / size
  right = (centres[None] - pose.x) / pose.radius
  up = (pose.y - centres[:, None]) / pose.radius
  cos, sin = jnp.cos(pose.angle), jnp.sin(pose.angle)
  u = cos * right + sin * up
  v = cos * up - sin * right
  return jnp.stack([INSIDE[name](u, v) for name in shapes])[shape]


def cover(size: int, shapes: Sequence[str], shape, pose: Pose, stroke: float = 0.0) -> jax.Array:
  """The share of each pixel that a shape covers, [size, size]; with a stroke, its outline does."""
  inside = mask(SMOOTH * size, shapes, shape, pose)
  if stroke:
    inner = pose._replace(radius=pose.radius - stroke)
    inside &= ~mask(SMOOTH * size, shapes, shape, inner)
  return smooth(inside)


def smooth(inside) -> jax.Array:
  """The share of each pixel, [size, size, ...], of a mask [SMOOTH size, SMOOTH size, ...]."""
  size = len(inside) // SMOOTH
  return inside.reshape(size, SMOOTH, size, SMOOTH, *inside.shape[2:]).mean((1, 3))


def paint(cover, colour, ground) -> jax.Array:
  """An image uint8 [H, W, 3] of a cover [H, W] of one colour [3] over another [3]."""
  share = cover[..., None]
  return jnp.round(share * colour[None, None] + (1 - share) * ground[None, None]).astype(jnp.uint8)


def least_boxes(inside) -> np.ndarray:
  """The least boxes about what is inside, of masks [..., size, size], float32 [..., 4].

  They are left, top, right, bottom, in fractions of the width.
  """
  size = inside.shape[-1]

  def ends(occupied):
    return occupied.argmax(-1), size - occupied[..., ::-1].argmax(-1)

  left, right = ends(inside.any(-2))
  top, bottom = ends(inside.any(-1))
  return np.stack([left, top, right, bottom], -1).astype(np.float32) / size


def palette(colours: dict) -> jax.Array:
  """The values of named colours, float32 [C, 3]."""
  return jnp.array([*colours.values()], jnp.float32)


def errors(x, covers, colours) -> np.ndarray:
  """|x - c f|^2 - |x|^2 of images x [N, P, 3], every cover c [K, P] and colour f [C, 3]: [N, K, C].

  An image of cover c in colour f over a ground g differs from x by (x - g) - c (f - g). So the
  nearest of all renderings, up to their rounding to integers, costs one product of matrices.
  """
  inner = np.tensordot(x, covers, (1, 1)).swapaxes(1, 2) @ colours.T
  square = (covers**2).sum(1)[:, None] * (colours**2).sum(1)[None]
  return square[None] - 2 * inner
