"""Mesh files as `Mesh`es: OBJ by a reader that keeps polygons, PLY and OFF by trimesh."""

from collections.abc import Iterable
import functools
from pathlib import Path

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.data.files import class_names, folder_of, layout
from genjax_zoo.data.solids import Mesh

EXTENSIONS = (".obj", ".ply", ".off")
GAP = 0.5  # Between the objects of a file that is written, in sizes of the one before.


def files_of_splits(name: str) -> tuple[dict[str, list], list[str]]:
  """The mesh files of PREFIX:PATH, {split: [(path, its class or None)]}, and the classes.

  They are in folders as `folder:PATH` has them. Raises UserError where `folder.load` does.
  """
  files = layout(name, folder_of(name), EXTENSIONS).files
  return files, class_names(name, [pair for found in files.values() for pair in found])


# Copies of one mesh come one after the other.
@functools.lru_cache(maxsize=1)
def read_mesh(name: str, path: Path, up: str | None = None) -> Mesh:
  """The mesh of a file with z up; trimesh cuts the faces of PLY and OFF files into triangles.

  `up` is the axis of the file that points up, "y" or "z"; by default "y" in OBJ files, as most
  programs write them, and "z" in others. Raises UserError, which names the file, where it can't be
  read, has no faces, or where a number is not finite or a face names a vertex that is not there.
  """
  try:
    mesh = read_obj(path) if path.suffix.lower() == ".obj" else read_others(path)
  except (OSError, ValueError, IndexError, KeyError, TypeError) as e:
    reason = " ".join(str(e).split()) or type(e).__name__
    raise UserError(f"{name}: {path} can't be read as a mesh: {reason}; take it out") from e
  n = len(mesh.vertices)
  if not n or not mesh.faces:
    raise UserError(f"{name}: {path} has {n} vertices and {len(mesh.faces)} faces: take it out")
  if not np.isfinite(mesh.vertices).all():
    raise UserError(f"{name}: {path} has a coordinate that is not finite: take it out")
  if outside := [i for face in mesh.faces for i in face if not 0 <= i < n]:
    start = int(path.suffix.lower() == ".obj")  # The number of a file's first vertex.
    raise UserError(
      f"{name}: {path} has a face with vertex {outside[0] + start}, and its vertices are {start} "
      f"to {n - 1 + start}: mend it or take it out"
    )
  if (up or ("y" if path.suffix.lower() == ".obj" else "z")) == "y":
    x, y, z = mesh.vertices.T
    mesh = mesh._replace(vertices=np.column_stack([x, -z, y]))
  return mesh


def read_obj(path: Path) -> Mesh:
  """The vertices and faces of a Wavefront OBJ file; all else in it is left out.

  Numbers of vertices start at 1, or count back from the latest if negative.
  """
  vertices, faces = [], []
  lines = path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ").splitlines()
  for number, line in enumerate(lines, 1):
    kind, *words = line.split("#")[0].split() or [""]
    try:
      if kind == "v":
        x, y, z = map(float, words[:3])
        vertices.append((x, y, z))
      elif kind == "f":
        indices = [int(word.partition("/")[0]) for word in words]
        faces.append([i - 1 if i > 0 else len(vertices) + i for i in indices])
    except ValueError as e:
      raise ValueError(f"line {number}, {line[:40]!r}: {e}") from e
  return Mesh(np.array(vertices, float).reshape(-1, 3), faces)


def write_obj(path: Path, meshes: Iterable[Mesh]):
  """Writes meshes, z up, as the objects of one OBJ file, y up: side by side along the x axis."""
  lines = []
  first = 1  # The number of an object's first vertex.
  left = 0.0
  for number, mesh in enumerate(meshes):
    lines.append(f"o mesh_{number}")
    v = np.asarray(mesh.vertices, float).reshape(-1, 3)
    if len(v):
      v = v + np.array([[left - v[:, 0].min(), 0, 0]])
      left = v[:, 0].max() + GAP * max(np.ptp(v, 0).max(), 1)
    lines += [f"v {x:g} {z:g} {0 - y:g}" for x, y, z in v]
    lines += ["f " + " ".join(str(first + i) for i in face) for face in mesh.faces]
    first += len(v)
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def read_others(path: Path) -> Mesh:
  """The triangles of a file that trimesh reads. Raises UserError where trimesh is not installed."""
  try:
    import trimesh
  except ImportError as e:
    raise UserError(f"{path}: this needs trimesh: pip install -e '.[meshes]'") from e
  mesh = trimesh.load_mesh(path, process=False)
  return Mesh(np.asarray(mesh.vertices, float).reshape(-1, 3), np.asarray(mesh.faces).tolist())
