"""Point clouds and meshes as images: each is seen from two sides, the last axis up."""

import numpy as np
from PIL import Image, ImageDraw

from genjax_zoo.data.mesh_tokens import decode
from genjax_zoo.data.solids import Mesh

SIZE = 64  # Pixels of a view of a cloud, which has few points,
LARGE = 112  # and of one of a mesh, which has edges.
TURNS = 30, 120  # Degrees about the vertical axis, from one view to the other.
FILLED = 0.9  # Of the width of a view; the rest is margin.
TILT = 20  # Degrees that the viewer is above the horizon.
SMOOTH = 3  # Meshes are drawn so many times as large and then reduced, to have smooth edges.


def in_unit_ball(points):
  """Points [P, 3], moved and scaled: their bounding box is centred, the farthest is at 1."""
  x = np.nan_to_num(np.asarray(points, np.float32))
  x = x - (x.max(0, keepdims=True) + x.min(0, keepdims=True)) / 2
  return x / max(np.linalg.norm(x, axis=-1).max(), 1e-6)


def seen_from(points, turn: float):
  """Points [P, 3] as (right, up, away) from a viewer at the angle `turn`."""
  turn, tilt = np.radians((turn, TILT))
  x, y, z = points.T
  right = x * np.cos(turn) + y * np.sin(turn)
  horizontal = y * np.cos(turn) - x * np.sin(turn)
  up = z * np.cos(tilt) + horizontal * np.sin(tilt)
  away = horizontal * np.cos(tilt) - z * np.sin(tilt)
  return np.stack([right, up, away], -1)


def pixels(view, size: int):
  """Where (right, up, ..) [..., 2+] in [-1, 1] are in an image: (column, row) [..., 2], floats."""
  return (1 + FILLED * view[..., :2] * np.array([1, -1])) / 2 * (size - 1)


def cloud(points, turn: float, size: int = SIZE) -> np.ndarray:
  """A point cloud [P, 3] as an image uint8 [size, size, 3]: the nearer a point, the brighter."""
  view = seen_from(in_unit_ball(points), turn)
  column, row = np.round(pixels(view, size)).astype(int).T
  image = np.zeros((size, size), np.float32)
  np.maximum.at(image, (row, column), 0.65 - 0.35 * view[:, 2])
  return np.repeat(np.round(255 * image).astype(np.uint8)[..., None], 3, -1)


def solid(mesh: Mesh, turn: float, size: int = LARGE, edges: bool = True) -> np.ndarray:
  """A mesh as an image uint8 [size, size, 3]: faces hide those behind them, `edges` are dark.

  Faces that name a vertex which isn't there are left out. Without faces the vertices are shown.
  """
  n = len(mesh.vertices)
  if not n:
    return np.zeros((size, size, 3), np.uint8)
  large = SMOOTH * size
  view = seen_from(in_unit_ball(mesh.vertices), turn)
  at = pixels(view, large)
  image = Image.new("RGB", (large, large))
  draw = ImageDraw.Draw(image)
  faces = [list(f) for f in mesh.faces if len(f) > 2 and min(f) >= 0 and max(f) < n]
  farthest_first = sorted(faces, key=lambda face: -view[face, 2].mean())
  for face in farthest_first:
    corners = [tuple(corner) for corner in at[face]]
    light = brightness(view[face])
    draw.polygon(corners, fill=(light, light, light))
    if edges:
      draw.line([*corners, corners[0]], fill=(30, 50, 90), width=SMOOTH)
  if not faces:
    for x, y in at:
      draw.circle((x, y), 1.5 * SMOOTH, fill=(255, 255, 255))
  return np.asarray(image.reduce(SMOOTH))


def brightness(corners) -> int:
  """The gray of a face [P, 3]: the more it faces the viewer, the brighter."""
  x = corners - corners.mean(0, keepdims=True)
  area = np.cross(x, np.roll(x, -1, 0)).sum(0)
  return int(90 + 150 * abs(area[2]) / max(np.linalg.norm(area), 1e-12))


def clouds(points) -> np.ndarray:
  """Point clouds [N, P, 3] from two sides, uint8 [N, SIZE, 2 SIZE, 3]."""
  views = [np.concatenate([cloud(x, turn) for turn in TURNS], 1) for x in points]
  return np.reshape(views, (-1, SIZE, len(TURNS) * SIZE, 3))


def meshes(vertices, mask=None, faces=None) -> np.ndarray:
  """Meshes from two sides, uint8 [N, LARGE, 2 LARGE, 3].

  The arrays are those of data/mesh_tokens.py, [N, V, 3], [N, V] and [N, F]; without a mask all
  vertices count.
  """
  images = []
  for i, corners in enumerate(np.asarray(vertices)):
    counted = np.ones(len(corners), bool) if mask is None else mask[i]
    mesh = decode(corners, counted, faces[i] if faces is not None else [])
    images.append(np.concatenate([solid(mesh, turn) for turn in TURNS], 1))
  return np.reshape(images, (-1, LARGE, len(TURNS) * LARGE, 3))
