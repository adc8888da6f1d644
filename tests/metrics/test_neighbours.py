"""Nearest neighbours equal scikit-learn's, copies are at distance 0, and memorisation is found."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from genjax_zoo.core import UserError
from genjax_zoo.metrics import distances
from genjax_zoo.metrics.neighbours import memorisation, nearest


@pytest.mark.parametrize("d", [3, 300])
def test_equals_scikit_learn_in_any_blocks(d, monkeypatch):
  rng = np.random.default_rng(0)
  queries, reference = rng.normal(size=(90, d)), rng.normal(size=(200, d))
  distance, index = NearestNeighbors(n_neighbors=4).fit(reference).kneighbors(queries)
  for block in (2**24, 1000):
    monkeypatch.setattr(distances, "BLOCK", block)
    found = nearest(queries, reference, 4)
    np.testing.assert_array_equal(found[1], index)
    np.testing.assert_allclose(found[0], distance, rtol=1e-5)


@pytest.mark.parametrize("d", [3, 300, 3072])
def test_a_copy_is_at_distance_zero(d):
  reference = np.random.default_rng(1).integers(0, 256, (100, d))
  distance, index = nearest(reference[[7, 3]], reference)
  np.testing.assert_array_equal(distance, 0)
  np.testing.assert_array_equal(index[:, 0], [7, 3])


def test_a_near_copy_is_at_its_exact_distance():
  """Nearer than a matrix product resolves: it finds the neighbour, the difference the distance."""
  reference = np.random.default_rng(3).normal(size=(50, 400)).astype("f4")
  query = reference[[9]] + np.float32(2**-12)
  np.testing.assert_allclose(
    nearest(query, reference)[0], np.linalg.norm(query - reference[[9]]), rtol=1e-2
  )


def test_memorisation():
  rng = np.random.default_rng(2)
  train, test, fresh = (
    rng.normal(size=(500, 5)),
    rng.normal(size=(400, 5)),
    rng.normal(size=(400, 5)),
  )
  copies = memorisation(train[:300], train, test)
  assert copies["nearest_sample"] == 0 and copies["ratio"] == 0 and copies["closer"] == 1
  assert copies["nearest_test"] == np.median(nearest(test, train)[0])
  honest = memorisation(fresh, train, test)
  np.testing.assert_allclose(honest["closer"], 0.5, atol=4 * np.sqrt(1 / 12 / 400 * 2))
  np.testing.assert_allclose(honest["ratio"], 1, atol=0.15)
  assert memorisation(test, train, test)["closer"] == 0.5
  assert memorisation(train + 9, train, test)["closer"] < 0.01
  assert memorisation(train, train, train)["ratio"] == 1


def test_more_neighbours_than_points_are_refused():
  with pytest.raises(
    UserError, match="the reference set has 2 samples: 3 neighbours need at least 3"
  ):
    nearest(np.zeros((4, 2)), np.zeros((2, 2)), 3)
