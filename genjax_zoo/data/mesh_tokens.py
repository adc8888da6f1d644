"""Polygon meshes as integers, after PolyGen (Nash et al. 2020, arXiv:2002.10880, section 2).

Vertices. The bounding box is centred and its longest side spans the integers 0 to levels - 1.
Vertices that become equal are one. A vertex is stored as (z, y, x), z pointing up, and they are
sorted by z, then y, then x. In the arrays:

  vertices [V, 3]    the sorted vertices, then zeros
  vertices_mask [V]  True for vertices, False for what fills the rest

A model that flattens them, z_1 y_1 x_1 z_2 ..., adds its own token for the end.

Faces. A face starts at its vertex of the lowest number and keeps its direction of rotation; faces
are sorted by their vertices' numbers in ascending order. In the arrays:

  faces [F]       STOP = 0 ends the sequence and fills the rest, NEW = 1 stands between two faces,
                  FIRST + i = 2 + i is vertex number i
  faces_mask [F]  True up to the first STOP, which counts

Two triangles are thus  2 3 4 1 2 4 5 0 0 ...
"""

from collections.abc import Iterable, Sequence

import numpy as np

from genjax_zoo.data.solids import Mesh

STOP = 0
NEW = 1
FIRST = 2


def quantize(mesh: Mesh, levels: int) -> Mesh:
  """The mesh with integer vertices (z, y, x), in the order and with the faces described above.

  Faces that lose their area are left out, one that touches itself is cut there, and of repeated
  ones one is kept; then vertices of no face are left out. A mesh of no extent has no faces.
  """
  v = np.asarray(mesh.vertices, float)
  v = v - (v.max(0) + v.min(0))[None] / 2
  side = max(np.ptp(v, 0).max(), 1e-12)
  grid = np.rint((v / side + 0.5) * (levels - 1)).astype(np.int32)[:, ::-1]
  # One number a vertex, in the order of (z, y, x).
  numbers, index = np.unique(np.ravel_multi_index(grid.T, (levels,) * 3), return_inverse=True)
  index = index.tolist()
  cycles = [cycle for face in mesh.faces for cycle in simple_cycles([index[i] for i in face])]
  faces = sorted({from_lowest(cycle) for cycle in cycles}, key=lambda f: (sorted(f), f))
  used = sorted({i for face in faces for i in face})
  place = {old: new for new, old in enumerate(used)}
  vertices = np.stack(np.unravel_index(numbers[used], (levels,) * 3), -1).astype(np.int32)
  return Mesh(vertices, [tuple(place[i] for i in face) for face in faces])


def simple_cycles(face: Sequence[int]) -> Iterable[list[int]]:
  """The cycles of three vertices or more that a closed path of vertices consists of."""
  path = []
  for vertex in face:
    if vertex in path:
      start = path.index(vertex)
      if len(path) - start > 2:
        yield path[start:]
      del path[start:]
    path.append(vertex)
  if len(path) > 2:
    yield path


def from_lowest(cycle: Sequence[int]) -> tuple[int, ...]:
  """The same cycle, started at its lowest number."""
  start = cycle.index(min(cycle))
  return tuple(cycle[start:] + cycle[:start])


def face_tokens(faces: Iterable[Sequence[int]]) -> list[int]:
  """The sequence of faces, with its STOP."""
  sequence = []
  for face in faces:
    sequence += [NEW, *(FIRST + i for i in face)]
  return [*sequence[1:], STOP]


def fits(mesh: Mesh, max_vertices: int, max_tokens: int) -> bool:
  """Whether a quantized mesh has faces, and arrays of this size have room for it."""
  return 0 < len(mesh.vertices) <= max_vertices and len(face_tokens(mesh.faces)) <= max_tokens


def encode(mesh: Mesh, max_vertices: int, max_tokens: int) -> dict[str, np.ndarray]:
  """The arrays of a quantized mesh that `fits` them."""
  n = len(mesh.vertices)
  vertices = np.zeros((max_vertices, 3), np.int32)
  vertices[:n] = mesh.vertices
  sequence = face_tokens(mesh.faces)
  faces = np.full(max_tokens, STOP, np.int32)
  faces[: len(sequence)] = sequence
  return {
    "vertices": vertices,
    "vertices_mask": np.arange(max_vertices) < n,
    "faces": faces,
    "faces_mask": np.arange(max_tokens) < len(sequence),
  }


def read_faces(tokens: Sequence[int]) -> list[tuple[int, ...]]:
  """The faces of a sequence [F], up to its first STOP; an empty face is ()."""
  faces = [[]]
  for token in np.asarray(tokens).tolist():
    if token == STOP:
      break
    if token == NEW:
      faces.append([])
    else:
      faces[-1].append(token - FIRST)
  return [tuple(face) for face in faces]


def decode(vertices, vertices_mask, faces) -> Mesh:
  """The mesh of the arrays of one example, vertices int [V, 3] as (x, y, z)."""
  return Mesh(np.asarray(vertices)[np.asarray(vertices_mask, bool)][:, ::-1], read_faces(faces))
