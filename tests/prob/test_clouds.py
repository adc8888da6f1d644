"""The Chamfer distance against its definition."""

import jax
import numpy as np
import pytest

from genjax_zoo.prob.clouds import chamfer, jitter, squared_distances, voxels

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(4, 9, 3)), RNG.normal(size=(4, 5, 3))


def brute_force(x, y):
  there = np.mean([min(sum((a - b) ** 2) for b in y) for a in x])
  back = np.mean([min(sum((a - b) ** 2) for a in x) for b in y])
  return there + back


def test_chamfer_is_its_definition():
  expected = [brute_force(x, y) for x, y in zip(X, Y)]
  np.testing.assert_allclose(chamfer(X, Y), expected, rtol=1e-5)
  np.testing.assert_allclose(chamfer(X[0], Y[0]), expected[0], rtol=1e-5)
  every = np.linalg.norm(X[:, :, None] - Y[:, None], axis=-1) ** 2
  np.testing.assert_allclose(squared_distances(X, Y), every, rtol=1e-5)


def test_chamfer_is_symmetric_and_knows_no_order_and_no_repetition():
  np.testing.assert_allclose(chamfer(X, Y), chamfer(Y, X), rtol=1e-6)
  shuffled = X[:, RNG.permutation(9)]
  np.testing.assert_allclose(chamfer(shuffled, Y), chamfer(X, Y), rtol=1e-6)
  assert (np.asarray(chamfer(X, np.concatenate([shuffled, X], 1))) == 0).all()


def test_chamfer_of_two_points_and_of_a_moved_cloud():
  """Single points at distance d: 2 d^2. A lattice moved by less than half a cell: 2 |shift|^2."""
  assert chamfer(np.zeros((1, 3)), np.array([[0.0, 3, 4]])) == pytest.approx(50)
  lattice = np.stack(np.meshgrid(*[np.arange(4.0)] * 3), -1).reshape(-1, 3)
  shift = np.array([[0.1, -0.2, 0.3]])
  assert chamfer(lattice, lattice + shift) == pytest.approx(2 * np.sum(shift**2), rel=1e-4)


def test_the_gradient_pulls_a_point_to_its_neighbours():
  """One point against two at distances 1 and 3: d/dx ((x-1)^2 + ((x-1)^2 + (x+3)^2) / 2) = 0."""
  y = np.array([[1.0], [-3.0]])
  gradient = jax.grad(lambda x: chamfer(x.reshape(1, 1), y))(0.0)
  assert gradient == pytest.approx(2 * (0 - 1) + ((0 - 1) + (0 + 3)))


def test_jitter_moves_points_by_its_amount_and_voxels_to_their_centres():
  x = np.zeros((2, 4000, 3))
  moved = jitter(jax.random.key(0), x, 0.3)
  np.testing.assert_allclose(moved.mean((0, 1)), 0, atol=0.02)
  np.testing.assert_allclose(moved.std((0, 1)), 0.3, rtol=0.03)
  found = voxels(None, np.array([[-0.1, 0.1, 1.3], [0.49, 0.5, -0.5]]), 0.5)
  np.testing.assert_allclose(found, [[-0.25, 0.25, 1.25], [0.25, 0.75, -0.25]])
  np.testing.assert_allclose(voxels(None, found, 0.5), found)
