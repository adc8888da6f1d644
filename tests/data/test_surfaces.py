"""Triangles fill what they are cut from, and points are uniform on them."""

import numpy as np
import pytest

from genjax_zoo.data import solids, surfaces
from genjax_zoo.data.solids import Mesh

RNG = np.random.default_rng(0)
SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]])


def area(triangles):
  return np.linalg.norm(surfaces.area_vectors(triangles), axis=1).sum() / 2


def rotation():
  return np.linalg.qr(RNG.normal(size=(3, 3)))[0]


def test_areas_are_those_of_the_formulas():
  box = surfaces.triangles(solids.box((0, 0, 0), (1, 2, 3)))
  assert area(box) == pytest.approx(2 * (2 + 3 + 6))
  hexagon = solids.extrude(solids.ring(6, 1, 1), 0, 2)
  assert area(surfaces.triangles(hexagon)) == pytest.approx(2 * 1.5 * 3**0.5 + 6 * 2)


def star(points, depth):
  """A star-shaped polygon, anticlockwise."""
  angle = np.pi * np.arange(2 * points) / points
  radius = np.where(np.arange(2 * points) % 2, 1.0, depth)
  return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), 0 * angle])


@pytest.mark.parametrize("points, depth", [(3, 0.4), (5, 0.3), (4, 0.9), (9, 0.5)])
def test_a_hollow_polygon_is_filled_once(points, depth):
  """The triangles' areas sum to its own, points * depth * sin(pi / points), and none is outside."""
  polygon = star(points, depth) @ rotation()
  cut = surfaces.triangles(Mesh(polygon, [range(2 * points)]))
  assert len(cut) == 2 * points - 2
  whole = np.linalg.norm(surfaces.area_vectors(polygon[None]))
  assert area(cut) == pytest.approx(whole / 2)
  assert whole / 2 == pytest.approx(points * depth * np.sin(np.pi / points))
  # They face the same way.
  assert (surfaces.area_vectors(cut) @ surfaces.area_vectors(polygon[None])[0] >= -1e-9).all()


def test_only_convex_polygons_are_called_so():
  hollow = np.array([[0, 0, 0], [2, 0, 0], [0.5, 0.5, 0], [0, 2, 0]])
  straight = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 2, 0.0]])
  both = np.stack([SQUARE, hollow, straight]) @ rotation()
  assert surfaces.is_convex(both).tolist() == [True, False, True]
  assert surfaces.is_convex(SQUARE[None, ::-1]).tolist() == [True]


def test_cells_that_a_surface_passes_through():
  """Of a box those that its boundary cuts; of a triangle all but small corners, 2 % of its area."""
  box = surfaces.triangles(solids.box((0, 0.3, 0), (1, 0.8, 1)))
  inner = np.zeros((8, 8, 8), bool)
  inner[1:-1, 3:6, 1:-1] = True
  beside = np.zeros((8, 8, 8), bool)
  beside[:, [0, 1, 7]] = True
  np.testing.assert_array_equal(surfaces.cells(box, 8), ~inner & ~beside)
  triangle = np.array([[[0, 0, 0.1], [1, 0.2, 0.9], [0.3, 1, 0.4]]])
  of_points = (surfaces.sample(RNG, triangle, 20_000) * 8).astype(int)
  found = surfaces.cells(triangle, 8)
  passed = np.zeros((8, 8, 8), bool)
  passed[tuple(of_points.T)] = True
  assert not (found & ~passed).any()
  assert found[tuple(of_points.T)].mean() > 0.98
  assert not surfaces.cells(triangle[:0], 5).any()


def test_the_boundary_of_voxels():
  """Its area by counting neighbours, its volume by the divergence theorem."""
  occupied = RNG.uniform(size=(5, 6, 7)) < 0.4
  cut = surfaces.voxel_triangles(occupied)
  padded = np.pad(occupied, 1).astype(int)
  faces = sum(np.abs(np.diff(padded, axis=axis)).sum() for axis in range(3))
  assert len(cut) == 2 * faces and area(cut) == pytest.approx(faces)
  assert np.linalg.det(cut).sum() / 6 == pytest.approx(occupied.sum())
  assert len(surfaces.voxel_triangles(np.zeros((4, 4, 4)))) == 0


def test_points_lie_on_the_surface_and_are_uniform():
  """On a box of 1 x 2 x 3: faces get points in proportion to area; in a face they are uniform."""
  box = surfaces.triangles(solids.box((0, 0, 0), (1, 2, 3)))
  n = 40_000
  points = surfaces.sample(RNG, box, n)
  assert points.shape == (n, 3) and points.dtype == np.float32
  sides = np.array([1, 2, 3])
  on = np.concatenate([np.isclose(points, 0, atol=1e-5), np.isclose(points, sides, atol=1e-5)], 1)
  assert on.any(1).all()
  share = np.array([6, 3, 2, 6, 3, 2]) / 22
  assert np.abs(on.mean(0) - share).max() < 5 * np.sqrt(share.max() / n)
  top = points[on[:, 5]] / sides[None]
  m = len(top)
  # Uniform coordinates: mean 1/2, variance 1/12, and uncorrelated.
  np.testing.assert_allclose(top[:, :2].mean(0), 0.5, atol=5 * np.sqrt(1 / 12 / m))
  np.testing.assert_allclose(top[:, :2].var(0), 1 / 12, atol=5 * np.sqrt(1 / 180 / m))
  assert abs(np.corrcoef(top[:, :2].T)[0, 1]) < 5 / np.sqrt(m)


def test_normalized_surfaces_fill_the_box():
  cut = surfaces.normalized(surfaces.triangles(solids.box((3, 3, 3), (4, 5, 7))))
  np.testing.assert_allclose(cut.min((0, 1)), [-0.25, -0.5, -1])
  np.testing.assert_allclose(cut.max((0, 1)), [0.25, 0.5, 1])


def test_what_has_no_area_is_known():
  assert surfaces.has_area(SQUARE[None, :3])
  assert not surfaces.has_area(np.zeros((0, 3, 3))) and not surfaces.has_area(
    SQUARE[None, [0, 1, 1]]
  )
