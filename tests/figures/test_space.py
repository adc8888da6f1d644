"""Clouds and meshes: what is near hides what is far, and padding shows nothing."""

import numpy as np

from genjax_zoo.data.mesh_tokens import FIRST, NEW, STOP
from genjax_zoo.data.solids import Mesh
from genjax_zoo.figures.space import LARGE, SIZE, TURNS, cloud, clouds, in_unit_ball, meshes, solid

SQUARE = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]], float)


def test_a_cloud_shows_where_points_are_and_which_are_near():
  up, down, near, far = [0, 0, 1.0], [0, 0, -1.0], [0, -1.0, 0], [0, 1.0, 0]
  image = cloud(np.array([up, down, near, far]), turn=30, size=65)[..., 0].astype(int)
  rows, columns = np.nonzero(image)
  assert len(rows) == 4 and columns[0] == columns[-1] == 32 and rows[0] + rows[-1] == 64
  low, high = sorted(image[rows, columns])[0], sorted(image[rows, columns])[-1]
  # Seen from above: near is lower.
  assert image[rows[1], columns[1]] == low and image[rows[2], columns[2]] == high
  assert 0 < low < high <= 255


def test_the_size_and_the_place_of_a_cloud_do_not_matter():
  x = np.random.default_rng(0).normal(size=(20, 3))
  np.testing.assert_allclose(in_unit_ball(7 * x + 3), in_unit_ball(x), atol=1e-5)
  assert np.isclose(np.linalg.norm(in_unit_ball(x), axis=-1).max(), 1)
  assert np.isfinite(in_unit_ball(np.full((3, 3), np.nan))).all()


def test_views_have_a_margin():
  """A ring as wide as a view can be: no point at the edge, where the next view begins."""
  turns = np.linspace(0, 2 * np.pi, 200)
  ring = np.stack([np.cos(turns), np.sin(turns), 0 * turns], -1)
  seen = clouds(ring[None])[0, :, :SIZE, 0]
  assert seen.any() and not seen[:, [0, 1, -2, -1]].any()


def test_two_views_of_each_cloud():
  x = np.random.default_rng(0).normal(size=(2, 20, 3))
  both = clouds(x)
  assert both.shape == (2, SIZE, 2 * SIZE, 3)
  for i, (left, turn) in enumerate(zip((0, SIZE), TURNS)):
    np.testing.assert_array_equal(both[1][:, left : left + SIZE], cloud(x[1], turn))
    assert i == 0 or (both[1][:, :SIZE] != both[1][:, SIZE:]).any()


def test_near_faces_hide_far_ones():
  """A square before a small one that is turned to another shade: one sees the first alone."""
  behind = 0.3 * SQUARE @ np.array([[1, 0, 0], [0, 1, 0], [0, 0.7, 1]]) + [[0, 0.5, 0]]
  front, back = (0, 1, 2, 3), (4, 5, 6, 7)
  vertices = np.concatenate([SQUARE, behind])
  both = solid(Mesh(vertices, [front, back]), turn=0)
  np.testing.assert_array_equal(both, solid(Mesh(vertices, [back, front]), turn=0))
  np.testing.assert_array_equal(both, solid(Mesh(vertices, [front]), turn=0))
  from_behind = solid(Mesh(vertices, [front, back]), turn=180)
  assert (from_behind != solid(Mesh(vertices, [front]), turn=180)).any()


def test_padding_and_wrong_numbers_of_vertices_show_nothing():
  """The arrays are (z, y, x), sorted; an unfinished mesh is drawn as far as it goes."""
  vertices = np.array([[[0, 0, 0], [0, 0, 9], [9, 0, 9], [0, 0, 0]]], np.int32)
  mask = np.array([[True, True, True, False]])
  triangle = [FIRST, FIRST + 1, FIRST + 2]
  images = meshes(vertices, mask, np.array([[*triangle, STOP, 0, 0, 0, 0]]))
  assert images.shape == (1, LARGE, 2 * LARGE, 3) and images.max() > 90
  np.testing.assert_array_equal(
    meshes(vertices[:, :3], None, np.array([[*triangle, STOP]])), images
  )
  wrong = np.array([[*triangle, NEW, FIRST, FIRST + 1, FIRST + 3, STOP]])
  np.testing.assert_array_equal(meshes(vertices, mask, wrong), images)
  assert (meshes(vertices, 0 * mask) == 0).all()


def test_vertices_without_faces_are_points():
  vertices = np.array([[[0, 0, 0], [0, 9, 9], [9, 0, 9]]], np.int32)
  image = meshes(vertices)[0][:, :LARGE, 0]
  assert 10 < (image > 200).sum() < 60
