"""Meshes as integers: one form for each mesh, and back."""

import numpy as np
import pytest

from genjax_zoo.data import solids
from genjax_zoo.data.mesh_tokens import decode, encode, fits, quantize, read_faces, simple_cycles
from genjax_zoo.data.solids import Mesh


def test_two_triangles_are_written_as_in_the_docstring():
  """A square cut along its diagonal; its vertices are stored as (z, y, x)."""
  square = np.array([[0, 0, 0], [3, 0, 0], [3, 3, 0], [0, 3, 0]])
  mesh = quantize(Mesh(square, [(2, 3, 1), (1, 3, 0)]), 4)
  arrays = encode(mesh, 5, 10)
  # z is in the middle of the levels, 1.5, which rounds to the even 2.
  assert arrays["vertices"].tolist() == [[2, 0, 0], [2, 0, 3], [2, 3, 0], [2, 3, 3], [0, 0, 0]]
  assert arrays["vertices_mask"].tolist() == [True] * 4 + [False]
  assert arrays["faces"].tolist() == [2, 3, 4, 1, 3, 5, 4, 0, 0, 0]
  assert arrays["faces_mask"].tolist() == [True] * 8 + [False] * 2


@pytest.mark.parametrize("family", solids.FLAT)
def test_the_form_does_not_depend_on_how_a_mesh_was_written(family):
  """Renumbered vertices, faces in another order, started elsewhere, moved, enlarged: the same."""
  rng = np.random.default_rng(3)
  mesh = solids.FLAT[family](rng)
  order = rng.permutation(len(mesh.vertices))
  turned = []
  for face in mesh.faces:
    start = rng.integers(len(face))
    turned.append([int(np.argsort(order)[i]) for i in (*face[start:], *face[:start])])
  shuffled = [turned[i] for i in rng.permutation(len(turned))]
  other = Mesh(4 * mesh.vertices[order] + 7, shuffled)
  first, second = (encode(quantize(m, 64), 40, 150) for m in (mesh, other))
  for name, x in first.items():
    np.testing.assert_array_equal(x, second[name])
  # Turned inside out it is another mesh.
  inverted = Mesh(mesh.vertices, [tuple(reversed(face)) for face in mesh.faces])
  assert quantize(inverted, 64).faces != quantize(mesh, 64).faces


@pytest.mark.parametrize("family", solids.FLAT)
def test_arrays_are_read_as_they_were_written(family):
  mesh = quantize(solids.FLAT[family](np.random.default_rng(4)), 64)
  arrays = encode(mesh, 40, 150)
  read = decode(arrays["vertices"], arrays["vertices_mask"], arrays["faces"])
  np.testing.assert_array_equal(read.vertices, mesh.vertices[:, ::-1])
  assert read.faces == mesh.faces
  box = read.vertices
  assert box.min() == 0 and box.max() == 63 and np.ptp(box, 0).max() == 63


def test_a_mesh_fits_exactly():
  mesh = quantize(solids.box((0, 0, 0), (1, 2, 3)), 32)  # 8 vertices; 24 + 5 + 1 tokens.
  assert fits(mesh, 8, 30) and not fits(mesh, 7, 30) and not fits(mesh, 8, 29)
  assert not fits(Mesh(np.zeros((0, 3), int), []), 8, 30)


def test_vertices_that_meet_are_one_and_faces_without_area_are_left_out():
  """A slab as thin as 1/100 at the foot of a tall box is, with 16 levels, a sheet of two sides."""
  tall = solids.box((3, 0, 0), (4, 1, 4))
  mesh = quantize(solids.union([solids.box((0, 0, 0), (1, 1, 0.01)), tall]), 16)
  assert len(mesh.vertices) == 4 + 8 and len(mesh.faces) == 2 + 6
  sheet = [face for face in mesh.faces if max(mesh.vertices[list(face)][:, 2]) < 8]
  assert len(sheet) == 2 and sheet[0] == (sheet[1][0], *sheet[1][:0:-1])


def test_a_face_that_touches_itself_is_cut_there():
  assert list(simple_cycles([0, 1, 2, 3, 1, 4])) == [[1, 2, 3], [0, 1, 4]]
  assert list(simple_cycles([0, 1, 1, 2, 0])) == [[0, 1, 2]]
  assert list(simple_cycles([0, 1, 0, 1])) == []
  assert list(simple_cycles([5, 7, 6])) == [[5, 7, 6]]


def test_faces_end_at_the_first_stop():
  assert read_faces([2, 3, 4, 0, 2, 3]) == [(0, 1, 2)]
  assert read_faces([2, 3, 1, 1, 4]) == [(0, 1), (), (2,)]
  assert read_faces([0]) == [()]
