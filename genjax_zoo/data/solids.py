"""Solids of several families with random proportions, as polygon meshes; z points up.

A face names its vertices anticlockwise as seen from outside, so that each of its edges is an edge
of a neighbour in the other direction: the surface is closed. Tables, chairs and towers are several
closed boxes that touch.
"""

from collections.abc import Callable, Sequence
import functools
from typing import NamedTuple

import numpy as np


class Mesh(NamedTuple):
  """A polygon mesh."""

  vertices: np.ndarray  # float [V, 3]: x, y, z
  faces: Sequence[Sequence[int]]  # The vertices of each face, three or more.


def box(low, high) -> Mesh:
  """The box between two corners, each (x, y, z)."""
  (x0, y0, z0), (x1, y1, z1) = low, high
  return extrude(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), z0, z1)


def extrude(polygon, bottom: float, top: float) -> Mesh:
  """The prism over an anticlockwise polygon [N, 2]."""
  n = len(polygon)
  below = np.column_stack([polygon, np.full(n, bottom)])
  above = np.column_stack([polygon, np.full(n, top)])
  sides = [(i, (i + 1) % n, n + (i + 1) % n, n + i) for i in range(n)]
  caps = [tuple(reversed(range(n))), tuple(range(n, 2 * n))]
  return Mesh(np.concatenate([below, above]), caps + sides)


def cone(polygon, height: float) -> Mesh:
  """The pyramid over an anticlockwise polygon [N, 2], its apex above the origin."""
  n = len(polygon)
  base = np.column_stack([polygon, np.zeros(n)])
  sides = [(i, (i + 1) % n, n) for i in range(n)]
  return Mesh(np.concatenate([base, [[0, 0, height]]]), [tuple(reversed(range(n))), *sides])


def ring(n: int, x_radius: float, y_radius: float) -> np.ndarray:
  """n points of an ellipse, anticlockwise, [n, 2]."""
  angle = 2 * np.pi * np.arange(n) / n
  return np.column_stack([x_radius * np.cos(angle), y_radius * np.sin(angle)])


def union(parts: Sequence[Mesh]) -> Mesh:
  """All faces of several meshes."""
  first = np.cumsum([0] + [len(part.vertices) for part in parts])
  faces = [tuple(i + k for i in face) for k, part in zip(first, parts) for face in part.faces]
  return Mesh(np.concatenate([part.vertices for part in parts]), faces)


def random_box(rng) -> Mesh:
  """A box with sides of 0.3 to 1."""
  return box((0, 0, 0), rng.uniform(0.3, 1, 3))


def random_prism(rng) -> Mesh:
  """A prism over 3 to 8 points of an ellipse."""
  return extrude(ring(rng.integers(3, 9), *rng.uniform(0.3, 0.6, 2)), 0, rng.uniform(0.2, 1.2))


def random_pyramid(rng) -> Mesh:
  """A pyramid over 3 to 8 points of an ellipse."""
  return cone(ring(rng.integers(3, 9), *rng.uniform(0.3, 0.6, 2)), rng.uniform(0.4, 1.2))


def random_house(rng) -> Mesh:
  """A box under a gable roof: its two gable walls have five corners."""
  width, depth = rng.uniform(0.5, 1, 2)
  wall = rng.uniform(0.2, 0.7)
  roof = wall + rng.uniform(0.1, 0.5)
  gable = np.array([[0, 0], [width, 0], [width, wall], [width / 2, roof], [0, wall]])
  return standing(extrude(gable, 0, depth))


def random_stairs(rng) -> Mesh:
  """Two to four steps, as one extruded polygon."""
  n = rng.integers(2, 5)
  width = rng.uniform(0.5, 1)
  height = rng.uniform(0.4, 1)
  outline = [(0, 0), (width, 0)]
  for i in range(n):
    up = height * (i + 1) / n
    outline += [(width * (1 - i / n), up), (width * (1 - (i + 1) / n), up)]
  return standing(extrude(np.array(outline), 0, rng.uniform(0.3, 1)))


def standing(mesh: Mesh) -> Mesh:
  """A mesh turned about the x axis, from lying to standing: y becomes z, z becomes -y."""
  x, y, z = mesh.vertices.T
  return Mesh(np.column_stack([x, -z, y]), mesh.faces)


def random_tower(rng) -> Mesh:
  """A smaller box in the middle of a larger one."""
  width, depth = rng.uniform(0.4, 0.8, 2)
  first = rng.uniform(0.1, 0.5)
  second = first + rng.uniform(0.2, 0.8)
  small = rng.uniform(0.3, 0.8)
  lower = box((-width, -depth, 0), (width, depth, first))
  upper = box((-width * small, -depth * small, first), (width * small, depth * small, second))
  return union([lower, upper])


def random_table(rng) -> Mesh:
  """A plate on four legs."""
  width, depth = rng.uniform(0.6, 1, 2)
  height = rng.uniform(0.4, 0.9)
  leg = rng.uniform(0.06, 0.14)
  plate = box((0, 0, height), (width, depth, height + rng.uniform(0.06, 0.15)))
  inset = rng.uniform(0.02, 0.1)
  corners = [(x, y) for x in (inset, width - inset - leg) for y in (inset, depth - inset - leg)]
  legs = [box((x, y, 0), (x + leg, y + leg, height)) for x, y in corners]
  return union([plate, *legs])


def random_chair(rng) -> Mesh:
  """A seat with a back on two side panels."""
  width, depth = rng.uniform(0.6, 1, 2)
  height = rng.uniform(0.28, 0.63)
  seat = height + rng.uniform(0.06, 0.15)
  top = seat + rng.uniform(0.4, 1)
  thickness = rng.uniform(0.06, 0.15)
  inset = rng.uniform(0.03, 0.1)
  far = depth - inset
  parts = [
    box((0, 0, height), (width, depth, seat)),
    box((inset, far - thickness, seat), (width - inset, far, top)),
    box((inset, inset, 0), (inset + thickness, far, height)),
    box((width - inset - thickness, inset, 0), (width - inset, far, height)),
  ]
  return union(parts)


def random_cylinder(rng) -> Mesh:
  """A cylinder over an ellipse of 32 points."""
  return extrude(ring(32, *rng.uniform(0.3, 0.8, 2)), 0, rng.uniform(0.5, 1.6))


def random_cone(rng) -> Mesh:
  """A cone over an ellipse of 32 points."""
  return cone(ring(32, *rng.uniform(0.3, 0.8, 2)), rng.uniform(0.5, 1.6))


def random_ellipsoid(rng) -> Mesh:
  """An ellipsoid of 16 meridians and 8 bands of latitude."""
  radii = rng.uniform(0.4, 1, 3)
  latitude = np.pi * (np.arange(1, 8) / 8 - 0.5)
  around = 2 * np.pi * np.arange(16) / 16
  x, y = np.multiply.outer(np.cos(latitude), [np.cos(around), np.sin(around)]).swapaxes(0, 1)
  z = np.broadcast_to(np.sin(latitude)[:, None], x.shape)
  rings = np.stack([x, y, z], -1).reshape(-1, 3)
  south, north = len(rings), len(rings) + 1
  after = lambda i: (i + 1) % 16
  bands = [(j * 16, j * 16 + 16) for j in range(6)]
  faces = [(a + i, a + after(i), b + after(i), b + i) for a, b in bands for i in range(16)]
  faces += [(south, after(i), i) for i in range(16)]
  faces += [(96 + i, 96 + after(i), north) for i in range(16)]
  return Mesh(np.concatenate([rings, [[0, 0, -1], [0, 0, 1]]]) * radii[None], faces)


def random_torus(rng) -> Mesh:
  """A torus of 24 by 12 faces."""
  large = rng.uniform(0.6, 1)
  small = rng.uniform(0.15, 0.4)
  along, across = np.meshgrid(np.arange(24) / 24, np.arange(12) / 12, indexing="ij")
  phi, theta = 2 * np.pi * along.ravel(), 2 * np.pi * across.ravel()
  radius = large + small * np.cos(theta)
  vertices = np.column_stack([radius * np.cos(phi), radius * np.sin(phi), small * np.sin(theta)])
  return Mesh(vertices, torus_faces(24, 12))


@functools.cache
def torus_faces(large: int, small: int) -> list[tuple[int, ...]]:
  """The faces of a grid of large x small vertices that is closed in both directions."""
  number = lambda i, j: i % large * small + j % small
  corners = lambda i, j: ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
  cells = np.ndindex(large, small)
  return [tuple(number(*c) for c in corners(*cell)) for cell in cells]


# Flat-sided solids of at most 40 vertices, and round ones, of which only points are modelled.
FLAT: dict[str, Callable] = {
  "box": random_box,
  "prism": random_prism,
  "pyramid": random_pyramid,
  "house": random_house,
  "stairs": random_stairs,
  "tower": random_tower,
  "table": random_table,
  "chair": random_chair,
}
ROUND: dict[str, Callable] = {
  "cylinder": random_cylinder,
  "cone": random_cone,
  "ellipsoid": random_ellipsoid,
  "torus": random_torus,
}
