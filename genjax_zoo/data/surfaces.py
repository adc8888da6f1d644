"""Surfaces as triangles, and points drawn uniformly on them."""

import itertools
import math

import numpy as np

from genjax_zoo.data.solids import Mesh


def triangles(mesh: Mesh) -> np.ndarray:
  """The faces cut into triangles that keep their direction, float [T, 3, 3]: corner, coordinate."""
  vertices = np.asarray(mesh.vertices, float)
  parts = []
  sizes = np.array([len(face) for face in mesh.faces])
  for size in np.unique(sizes):
    faces = np.array([mesh.faces[i] for i in np.flatnonzero(sizes == size)])
    corners = vertices[faces]  # [N, size, 3]
    convex = is_convex(corners)
    fans = [corners[convex][:, [0, i, i + 1]] for i in range(1, size - 1)]
    parts += [*fans, *(polygon[ears(polygon)] for polygon in corners[~convex])]
  return np.concatenate(parts)


def cross(a, b) -> np.ndarray:
  """The cross product of vectors [..., 3]; of few it takes less than half of NumPy's time."""
  ax, ay, az = (a[..., i] for i in range(3))
  bx, by, bz = (b[..., i] for i in range(3))
  return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)


def area_vectors(corners) -> np.ndarray:
  """Twice the area of polygons [N, K, 3] times their unit normal, [N, 3]."""
  return cross(corners, np.roll(corners, -1, 1)).sum(1)


def is_convex(corners) -> np.ndarray:
  """Whether polygons [N, K, 3] turn the same way at each corner, [N]."""
  edges = np.roll(corners, -1, 1) - corners
  turns = cross(np.roll(edges, 1, 1), edges)
  same = np.einsum("nkd,nd->nk", turns, area_vectors(corners))
  return (same >= -1e-9 * np.abs(same).max(1, keepdims=True)).all(1)


def ears(polygon) -> list[tuple[int, int, int]]:
  """The corners of triangles that fill a polygon [K, 3] which does not cross itself.

  Ears are cut off one after the other: corners that turn with the polygon and whose triangle holds
  no other corner (Meisters 1975). Where rounding leaves none, the rest becomes a fan.
  """
  normal = area_vectors(polygon[None])[0]
  left_of = lambda a, b, p: cross(b - a, p - a) @ normal
  rest = list(range(len(polygon)))
  found = []
  while len(rest) > 3:
    for k, middle in enumerate(rest):
      before, after = rest[k - 1], rest[(k + 1) % len(rest)]
      a, b, c = polygon[[before, middle, after]]
      others = polygon[[i for i in rest if i not in (before, middle, after)]]
      inside = [left_of(*side, others) >= 0 for side in ((a, b), (b, c), (c, a))]
      if left_of(a, b, c) > 0 and not np.all(inside, 0).any():
        found.append((before, middle, after))
        del rest[k]
        break
    else:
      break
  return found + [(rest[0], *pair) for pair in itertools.pairwise(rest[1:])]


def voxel_triangles(occupied) -> np.ndarray:
  """The boundary of occupied voxels, bool [X, Y, Z], as triangles [T, 3, 3] that face outwards."""
  padded = np.pad(np.asarray(occupied, bool), 1)
  parts = []
  for axis, side in itertools.product(range(3), (0, 1)):
    # Voxels whose neighbour on this side is empty.
    bare = padded & ~np.roll(padded, 1 - 2 * side, axis)
    across, up = (np.eye(3)[(axis + i) % 3] for i in (1, 2))
    corner = np.argwhere(bare) - 1 + side * np.eye(3)[axis][None]
    square = np.stack([0 * up, across, across + up, up])
    if not side:
      square = square[::-1]
    squares = corner[:, None] + square[None]
    parts += [squares[:, [0, 1, 2]], squares[:, [0, 2, 3]]]
  return np.concatenate(parts)


def normalized(triangles) -> np.ndarray:
  """Triangles [T, 3, 3] moved and scaled so that the bounding box's longest side is [-1, 1]."""
  low, high = triangles.min((0, 1)), triangles.max((0, 1))
  centred = triangles - (low + high)[None, None] / 2
  return centred / max((high - low).max() / 2, 1e-12)


def sample(rng, triangles, n: int) -> np.ndarray:
  """n points uniform on the surface of triangles [T, 3, 3], float32 [n, 3].

  A triangle by its area, then a point in it: with u, v uniform in (0, 1) it is
  (1 - sqrt u) a + sqrt u (1 - v) b + sqrt u v c.
  """
  a, b, c = triangles.swapaxes(0, 1)
  area = np.linalg.norm(cross(b - a, c - a), axis=1)
  which = rng.choice(len(area), n, p=area / area.sum())
  u, v = rng.uniform(size=(2, n, 1))
  root = np.sqrt(u)
  points = (1 - root) * a[which] + root * (1 - v) * b[which] + root * v * c[which]
  return points.astype(np.float32)


def cells(triangles, n: int) -> np.ndarray:
  """Which of the n x n x n cells of [0, 1]^3 triangles [T, 3, 3] pass through, bool [n, n, n].

  By points of a lattice on each triangle, which are half a cell apart at most along its sides: a
  cell of which a triangle cuts off a small corner may be missed.
  """
  steps = 2 * math.ceil(n * np.ptp(triangles, 1).max(initial=0)) + 1
  lattice = np.indices((steps + 1, steps + 1)).reshape(2, -1)
  inside = lattice.sum(0) <= steps
  u, v = lattice[:, None, inside, None] / steps
  a, b, c = triangles[:, :, None].swapaxes(0, 1)
  points = a + u * (b - a) + v * (c - a)
  index = np.clip(points * n, 0, n - 1).astype(int)
  occupied = np.zeros((n, n, n), bool)
  occupied[tuple(index.reshape(-1, 3).T)] = True
  return occupied


def has_area(triangles: np.ndarray) -> bool:
  """Whether there is a surface to draw points from."""
  return len(triangles) > 0 and bool(np.linalg.norm(area_vectors(triangles), axis=1).sum() > 0)
