"""Squared distances: double precision, exact zeros, bounded blocks, sets refused by name."""

import jax
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from genjax_zoo.core import UserError
from genjax_zoo.metrics import distances
from genjax_zoo.metrics.distances import centred, feature_sets, row_blocks, squared_distances


@pytest.mark.parametrize("d", [1, 2, 64, 128, 129, 700])
def test_equal_to_double_precision_and_zero_for_copies(d):
  rng = np.random.default_rng(d)
  x, y = rng.normal(size=(50, d)).astype("f4"), rng.normal(size=(70, d)).astype("f4")
  y[10], y[20] = x[3], x[40]
  found = np.asarray(jax.jit(squared_distances)(x, y))
  np.testing.assert_allclose(found, cdist(x, y, "sqeuclidean"), rtol=2e-5, atol=1e-5)
  np.testing.assert_array_equal(np.argwhere(found == 0), [[3, 10], [40, 20]])


@pytest.mark.parametrize("d", [2, 300])
def test_tight_clusters_far_from_the_origin_keep_their_shape(d):
  x = (1000 + 1e-2 * np.random.default_rng(0).normal(size=(40, d))).astype("f4")
  (moved,) = centred(x)
  np.testing.assert_allclose(squared_distances(moved, moved), cdist(x, x, "sqeuclidean"), rtol=1e-4)


@pytest.mark.parametrize("sd", [0.0, 1e-5, 1e-3, 0.1])
def test_near_points_far_from_the_mean_keep_their_distances(sd):
  rng = np.random.default_rng(0)
  x, y = (np.ones((1, 300)) + sd * rng.normal(size=(n, 300)) for n in (30, 300))
  x, y = x.astype("f4"), y.astype("f4")
  y[7] = x[5]
  found = np.asarray(jax.jit(squared_distances)(x, y))
  np.testing.assert_allclose(found, cdist(x, y, "sqeuclidean"), rtol=5e-4, atol=0)


def test_products_are_not_rounded_on_accelerators():
  """A GPU or TPU multiplies float32 in fewer bits unless asked not to, which a CPU can't show."""
  x = np.ones((2, 300), "f4")
  assert "Precision.HIGHEST" in str(jax.make_jaxpr(squared_distances)(x, x))


@pytest.mark.parametrize("n, m", [(50_000, 50_000), (10, 3), (1, 10**8), (1000, 2**24 // 100)])
def test_row_blocks_cover_the_rows_in_bounded_memory(n, m):
  blocks = row_blocks(n, m)
  np.testing.assert_array_equal(np.concatenate([np.arange(n)[b] for b in blocks]), np.arange(n))
  assert all((b.stop - b.start) * m <= max(m, distances.BLOCK) for b in blocks)


def test_a_bad_set_is_named():
  good = np.zeros((4, 3))
  with pytest.raises(UserError, match=r"the fake features have shape \(4,\)"):
    feature_sets(real=good, fake=np.zeros(4))
  with pytest.raises(UserError, match=r"the fake features have shape \(0, 3\)"):
    feature_sets(real=good, fake=np.zeros((0, 3)))
  with pytest.raises(UserError, match="the fake features have D = 2, the real features 3"):
    feature_sets(real=good, fake=np.zeros((4, 2)))
  with pytest.raises(UserError, match="2 of 4 real samples have a feature that is not finite"):
    feature_sets(real=np.array([[np.nan, 0], [1, 2], [np.inf, np.nan], [0, 0]]))
