"""What makes a quantized mesh valid, and how many tokens could stand at each place of one."""

from collections.abc import Mapping, Sequence
import itertools
import math

import numpy as np

from genjax_zoo.data.mesh_tokens import NEW, STOP, decode, read_faces
from genjax_zoo.data.solids import Mesh

Faces = Sequence[Sequence[int]]
FEWEST = 3  # Vertices of a face.


def ordered(vertices, mask) -> bool:
  """Whether vertices [V, 3] ascend, none twice, and come before what fills the rest."""
  mask = np.asarray(mask, bool)
  n = int(mask.sum())
  rows = [tuple(row) for row in np.asarray(vertices)[:n].tolist()]
  return bool(mask[:n].all()) and all(a < b for a, b in itertools.pairwise(rows))


def well_formed(faces: Faces, n: int) -> bool:
  """Whether there are faces, all of three or more different vertices with numbers below n."""
  sound = lambda face: FEWEST <= len(face) == len(set(face)) and max(face) < n
  return bool(faces) and all(map(sound, faces))


def distinct(faces: Faces) -> bool:
  """Whether no two faces have the same vertices."""
  return len({frozenset(face) for face in faces}) == len(faces)


def closed(faces: Faces) -> bool:
  """Whether every edge is passed once, and once in the other direction: there is no rim."""
  edges = [edge for face in faces for edge in zip(face, (*face[1:], *face[:1]))]
  directed = set(edges)
  return 0 < len(edges) == len(directed) and all((b, a) in directed for a, b in edges)


def unevenness(mesh: Mesh) -> float:
  """The largest distance of a vertex from the plane of its face, in units of the coordinates.

  The plane goes through the mean of the vertices and is normal to the face's area vector.
  """
  largest = 0.0
  for face in mesh.faces:
    corners = np.asarray(mesh.vertices, float)[list(face)]
    corners = corners - corners.mean(0)[None]
    area = np.cross(corners, np.roll(corners, -1, 0)).sum(0)
    height = np.abs(corners @ area) / max(np.linalg.norm(area), 1e-12)
    largest = max(largest, height.max())
  return float(largest)


def judge(samples: Mapping, given: Mapping) -> dict[str, np.ndarray]:
  """Whether sampled meshes are valid, {name: [N]} of 0 or 1; faces may be of given vertices.

  "ordered": the vertices are sorted, none twice. Where there are faces: "well_formed": each has
  three or more different, existing vertices; "closed": each edge joins two faces that rotate alike;
  "flat": no vertex is farther than one step of the grid from the plane of its face; "valid":
  ordered, well formed and closed, and no face twice.
  """
  rows = {**samples, **given}
  examples = zip(*(np.asarray(rows[k]) for k in ("vertices", "vertices_mask")))
  found = {"ordered": [ordered(*example) for example in examples]}
  if "faces" in rows:
    entries = zip(*(np.asarray(rows[k]) for k in ("vertices", "vertices_mask", "faces")))
    checks = [of_faces(decode(*entry)) for entry in entries]
    found |= {name: [check[name] for check in checks] for name in checks[0]}
    found["valid"] = np.logical_and(found["ordered"], found["valid"])
  return {name: np.asarray(x, np.float32) for name, x in found.items()}


def of_faces(mesh: Mesh) -> dict[str, bool]:
  """What `judge` says of the faces of one mesh."""
  formed = well_formed(mesh.faces, len(mesh.vertices))
  whole = closed(mesh.faces)
  return {
    "well_formed": formed,
    "closed": whole,
    "flat": formed and unevenness(mesh) <= 1,
    "valid": formed and whole and distinct(mesh.faces),
  }


def vertex_choices(vertices, mask, levels: int) -> np.ndarray:
  """How many tokens could stand at each place of the vertices of one mesh, int [3 n + 1].

  Of the sequences z_1 y_1 x_1 z_2 ... end: coordinates that some vertex after the last one has, and
  the end after any vertex. The limit on the number of vertices is left out.
  """
  v = np.asarray(vertices)[np.asarray(mask, bool)].astype(int)
  top = levels - 1
  (z0, y0, x0), (z, y, _) = v.T, np.roll(v, -1, 0).T  # The last vertex and the next one.
  after_z = 1 + levels - z0 - ((y0 == top) & (x0 == top))  # With the end.
  after_y = np.where(z == z0, levels - y0 - (x0 == top), levels)
  after_x = np.where((z == z0) & (y == y0), top - x0, levels)
  choices = np.stack([after_z, after_y, after_x], 1)
  # The first vertex may be any; after the last one there is the end.
  return np.concatenate([[levels] * 3, choices[:-1].ravel(), after_z[-1:]])


def face_choices(faces, n: int) -> list[int]:
  """How many tokens could stand at each place of the faces [F] of a mesh of n vertices, up to STOP.

  A face starts no lower than the one before and where two vertices are higher; it goes on with
  higher vertices that it does not have yet, and may end after three. The limit on the length is
  left out.
  """
  choices = []
  lowest = 0
  for face in read_faces(faces):
    choices.append(n - FEWEST + 1 - lowest)
    lowest = face[0]
    for size in range(1, len(face) + 1):
      ends = len({NEW, STOP}) if size >= FEWEST else 0
      choices.append(n - lowest - size + ends)
  return choices


def uniform_bits(examples: Mapping, levels: int) -> dict[str, float]:
  """Bits a vertex of tokens drawn evenly among those that could stand at a place.

  {"vertices", "faces"} of all examples: the least that a model of either sequence must beat.
  """
  masks = np.asarray(examples["vertices_mask"], bool)
  counts = masks.sum(1)
  vertices = [vertex_choices(v, m, levels) for v, m in zip(examples["vertices"], masks)]
  faces = [face_choices(f, n) for f, n in zip(examples["faces"], counts.tolist())]
  total = lambda choices: float(sum(np.log(c).sum() for c in choices) / math.log(2) / counts.sum())
  return {"vertices": total(vertices), "faces": total(faces)}
