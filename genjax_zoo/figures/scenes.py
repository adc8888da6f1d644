"""Scenes from all sides, and the surfaces of their densities as meshes."""

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.data.solids import Mesh
from genjax_zoo.figures.pictures import colours, grid
from genjax_zoo.figures.space import solid
from genjax_zoo.sharding import jit

SCENES = 8  # At most, a row for each.
SIDES = 6  # Of a turntable; two more are of the depth.
SIZE = 64  # Pixels of a view.
ELEVATION = 25  # Degrees of the cameras.
CELLS = 48  # Of the grid along each axis by which a surface is found.
SURFACE = 2.0  # The density there, which stops half of the light in a third of a unit.


def turntables(run, dataset, test, encoded):
  """Each scene from several sides, and its depth from two."""
  if "views" not in run.model.parts:
    return None
  azimuth = 2 * np.pi * np.arange(SIDES) / SIDES
  angles = np.stack([azimuth, np.full(SIDES, np.radians(ELEVATION))], -1).astype(np.float32)
  views = jit(run.model.parts["views"], static_argnums=3)(run.weights, run.state, angles, SIZE)
  views = {k: np.asarray(x)[:SCENES] for k, x in views.items()}
  rows = np.concatenate([views["colour"], np.repeat(nearness(views)[..., None], 3, -1)], 1)
  caption = (
    f"A scene in each row, from {SIDES} sides, {ELEVATION} degrees above it, and from the first "
    "two the depth at which rays end: the nearer, the brighter."
  )
  return grid(colours(rows.reshape(-1, *rows.shape[2:])), columns=rows.shape[1]), caption


def nearness(views) -> np.ndarray:
  """How near what is seen of the first two sides is, in [0, 1] for each scene, [K, 2, S, S]."""
  depth, seen = views["depth"][:, :2], views["opacity"][:, :2] > 0.5
  axes = (1, 2, 3)
  low = np.where(seen, depth, np.inf).min(axes, keepdims=True)
  high = np.where(seen, depth, -np.inf).max(axes, keepdims=True)
  near = 1 - 0.8 * (depth - low) / np.maximum(high - low, 1e-6)
  return np.where(seen, near, 0)


def surfaces(run, dataset, test, encoded):
  """The surfaces of the scenes as meshes, from two sides."""
  if "density" not in run.model.parts:
    return None
  meshes = surface_meshes(run)[:SCENES]
  turns = 30, 120
  views = np.stack([solid(mesh, turn, 2 * SIZE, edges=False) for turn in turns for mesh in meshes])
  caption = (
    f"Surfaces where the density is {SURFACE:.0f}, by marching cubes on {CELLS}³ points, from two "
    f"sides; they have {', '.join(f'{len(mesh.faces):,}' for mesh in meshes)} faces."
  )
  return grid(views, columns=len(meshes)), caption


def surface_meshes(run) -> list[Mesh]:
  """The surface of each scene of a run as a mesh, by marching cubes; empty where nothing is dense.

  Raises UserError where scikit-image is not installed.
  """
  try:
    from skimage.measure import marching_cubes
  except ImportError as e:
    raise UserError("surfaces need scikit-image: pip install -e '.[meshes]'") from e
  axis = np.linspace(-1, 1, CELLS, dtype=np.float32)
  points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
  density = np.asarray(jit(run.model.parts["density"])(run.weights, run.state, points))
  meshes = []
  for volume in density.reshape(-1, CELLS, CELLS, CELLS):
    volume = np.pad(volume, 1)  # So that what reaches the end of the cube is closed.
    if volume.max() <= SURFACE:
      meshes.append(Mesh(np.zeros((0, 3)), []))
      continue
    vertices, faces, *_ = marching_cubes(volume, SURFACE)
    outwards = faces[:, ::-1]  # Anticlockwise from outside, as meshes here have them.
    meshes.append(Mesh(2 * (vertices - 1) / (CELLS - 1) - 1, outwards.tolist()))
  return meshes
