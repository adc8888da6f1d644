"""Sets of clouds against brute force and closed forms; each fault shows in its own measure."""

import itertools

import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.metrics import clouds

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(6, 5, 3)), RNG.normal(size=(6, 5, 3)) + 0.3


def brute_chamfer(x, y):
  d = ((x[:, None] - y[None]) ** 2).sum(-1)
  return d.min(0).mean() + d.min(1).mean()


def brute_earth_mover(x, y):
  """The least mean distance over all 120 pairings of five points."""
  d = np.linalg.norm(x[:, None] - y[None], axis=-1)
  return min(d[np.arange(5), list(order)].mean() for order in itertools.permutations(range(5)))


@pytest.mark.parametrize(
  "distances, brute",
  [
    (clouds.chamfer_distances, brute_chamfer),
    (clouds.earth_mover_distances, brute_earth_mover),
  ],
)
def test_distances_are_those_of_every_pair(distances, brute):
  expected = [[brute(x, y) for y in B] for x in A]
  np.testing.assert_allclose(distances(A, B), expected, rtol=1e-5)


def test_the_earth_mover_s_distance_of_moved_clouds():
  """Between clouds that differ by a translation it is the translation's length."""
  shift = np.array([[0.0, 3.0, 4.0]])
  assert clouds.earth_mover(A[0], A[0][::-1] + shift) == pytest.approx(5)
  with pytest.raises(UserError, match="as many points"):
    clouds.earth_mover_distances(A, B[:, :4])


def brute_force(real, fake):
  """The three measures, one cloud at a time."""
  both = [(x, "fake") for x in fake] + [(x, "real") for x in real]
  right = 0
  for i, (x, source) in enumerate(both):
    others = [both[j] for j in range(len(both)) if j != i]
    right += min(others, key=lambda other: brute_chamfer(x, other[0]))[1] == source
  covered = {min(range(len(real)), key=lambda j: brute_chamfer(x, real[j])) for x in fake}
  nearest = [min(brute_chamfer(x, y) for x in fake) for y in real]
  return {
    "one_nearest_neighbour": right / len(both),
    "coverage": len(covered) / len(real),
    "mmd": np.mean(nearest),
    "clouds": len(real),
  }


def test_the_measures_are_their_definitions():
  for seed in range(3):
    real, fake = np.random.default_rng(seed).normal(size=(2, 7, 4, 3))
    fake = fake + 0.1 * seed
    assert clouds.compare(real, fake) == pytest.approx(brute_force(real, fake), rel=1e-5)


def test_1_nna_of_two_gaussians_is_the_limit_of_cover_and_hart():
  """Clouds of one point: with many of them, the chance that a neighbour has the same source.

  int (p^2 + q^2) / (p + q) / 2 dx for p = N(-m, 1), q = N(m, 1), by quadrature; 1/2 for m = 0.
  """
  grid = np.linspace(-9, 9, 20_001)
  density = lambda mean: np.exp(-0.5 * (grid - mean) ** 2) / np.sqrt(2 * np.pi)
  n = 1500
  for m in (0.0, 0.7, 1.5):
    p, q = density(-m), density(m)
    limit = np.trapezoid((p**2 + q**2) / (p + q), grid) / 2
    x, y = RNG.normal(size=(2, n)) + np.array([[-m], [m]])
    pairs = lambda a, b: np.abs(a[:, None] - b[None])
    found = clouds.one_nearest_neighbour(pairs(x, x), pairs(x, y), pairs(y, y))
    # Neighbours come in pairs, so the number of right ones varies twice as much as a binomial one.
    assert found == pytest.approx(limit, abs=4 * np.sqrt(2 * limit * (1 - limit) / (2 * n)))


def test_copies_are_seen_and_ties_are_shared():
  real = RNG.normal(size=(20, 4, 3))
  found = clouds.compare(real, real)
  assert found == {"one_nearest_neighbour": 0.0, "coverage": 1.0, "mmd": 0.0, "clouds": 20}
  # All clouds are one: of the 2 n - 1 nearest neighbours n - 1 are of the same set.
  same = np.zeros((5, 5))
  assert clouds.one_nearest_neighbour(same, same, same) == pytest.approx(4 / 9)


def shapes(n, kinds=4, noise=0.0, seed=0):
  """n clouds of 16 points around one of four centres."""
  rng = np.random.default_rng(seed)
  centres = 4 * np.eye(4, 3)[rng.integers(kinds, size=n)]
  return (centres[:, None] + rng.normal(size=(n, 16, 3)) + noise).astype(np.float32)


def test_each_fault_shows_in_its_measure():
  real, train = shapes(60, seed=1), shapes(60, seed=2)
  good = clouds.cloud_quality(real, shapes(60, seed=3), train)
  assert 0.35 < good["one_nearest_neighbour"] < 0.65
  assert 0.35 < good["oracle"]["one_nearest_neighbour"] < 0.65
  assert good["coverage"] == pytest.approx(good["oracle"]["coverage"], abs=0.15)
  # One mode of four: less is covered, and what is far from any fake raises MMD.
  dropped = clouds.compare(real, shapes(60, kinds=1, seed=3))
  assert dropped["coverage"] < 0.6 * good["coverage"] and dropped["mmd"] > 3 * good["mmd"]
  noise = clouds.compare(real, RNG.normal(size=real.shape) * 30)
  assert noise["one_nearest_neighbour"] == 1 and noise["coverage"] < good["coverage"]
  shifted = clouds.compare(real, shapes(60, noise=2.0, seed=3))
  assert shifted["one_nearest_neighbour"] > 0.8


def test_the_order_of_points_and_of_clouds_makes_no_difference():
  real, fake = shapes(30, seed=1), shapes(30, seed=2)
  points, rows = RNG.permutation(16), RNG.permutation(30)
  again = clouds.compare(real[rows], fake[:, points])
  assert again == pytest.approx(clouds.compare(real, fake), rel=1e-5)


def test_what_cannot_be_compared_is_refused():
  good = shapes(4)
  for real, fake in ((good[:1], good), (good, np.full_like(good, np.nan))):
    with pytest.raises(UserError, match="at least 2, all finite"):
      clouds.compare(real, fake)
