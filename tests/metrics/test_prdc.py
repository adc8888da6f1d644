"""Precision, recall, density, coverage: the authors' package, expectations, conventions, memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from genjax_zoo.core import UserError
from genjax_zoo.metrics import distances
from genjax_zoo.metrics.prdc import compare, prdc, reach
from tests.metrics.references import SETS, features, quality

NAMES = ("precision", "recall", "density", "coverage")


def mixture(rng, n, modes, sd=0.1):
  """n samples of the given ones of 20 modes on a circle in 2-D."""
  angle = 2 * np.pi * rng.choice(modes, n) / 20
  return 5 * np.stack([np.cos(angle), np.sin(angle)], 1) + sd * rng.normal(size=(n, 2))


@pytest.mark.parametrize("d, seed", SETS)
def test_equals_the_authors_package(d, seed):
  found, reference = prdc(*features(d, seed)), quality()
  by_k = {k: dict(zip(NAMES, reference[f"prdc_{d}_{k}"])) for k in (3, 5)}
  for k in (3, 5):
    same = prdc(*features(d, seed), k=k, k_density=k)
    np.testing.assert_allclose(
      [same[name] for name in NAMES], [by_k[k][name] for name in NAMES], rtol=1e-12
    )
  for name, k in zip(NAMES, (3, 3, 5, 5)):
    np.testing.assert_allclose(found[name], by_k[k][name], rtol=1e-12)


@pytest.mark.parametrize("d, seed", SETS)
def test_equals_torch_fidelity(d, seed):
  found = prdc(*features(d, seed))
  np.testing.assert_allclose(
    [found["precision"], found["recall"]], quality()[f"torch_fidelity_prc_{d}"], rtol=1e-6
  )


@pytest.mark.parametrize("d", [2, 300])
def test_equal_sets_score_one_with_ties_too(d):
  x = np.random.default_rng(0).normal(size=(200, d))
  x[150:] = x[0]  # A fifth of the set is one point.
  for same in (x[:150], x, np.ones((50, d)), np.full((50, d), 1e6)):
    assert prdc(same, same) == dict.fromkeys(NAMES, 1.0)
  assert prdc(np.ones((50, d)), np.zeros((50, d))) == dict.fromkeys(NAMES, 0.0)


def test_expectations_for_two_samples_of_one_distribution():
  """Naeem et al. 2020: E density = 1, E coverage = 1 - prod_{i <= k} (N - i) / (N + M - i)."""
  rng, n, m, k = np.random.default_rng(1), 80, 60, 4
  rows = [prdc(rng.normal(size=(n, 6)), rng.normal(size=(m, 6)), k_density=k) for _ in range(100)]
  density, coverage = (np.array([row[name] for row in rows]) for name in ("density", "coverage"))
  expected = 1 - np.prod([(n - i) / (n + m - i) for i in range(1, k + 1)])
  assert abs(coverage.mean() - expected) < 4 * coverage.std() / 10 < 0.03
  assert abs(density.mean() - 1) < 4 * density.std() / 10 < 0.1


def by_brute_force(real, fake, k=3, k_density=5):
  """The definitions, in double precision, of points without ties."""
  radius = lambda x, k: np.sort(cdist(x, x), 1)[:, k]
  distance = cdist(real, fake)
  inside = lambda k: distance < radius(real, k)[:, None]
  return {
    "precision": inside(k).any(0).mean(),
    "recall": (distance < radius(fake, k)[None]).any(1).mean(),
    "density": inside(k_density).sum() / (k_density * len(fake)),
    "coverage": inside(k_density).any(1).mean(),
  }


@pytest.mark.parametrize("sd", [2e-3, 1e-4])
def test_near_duplicates_are_told_apart_in_many_dimensions(sd):
  """Half of four tight clusters is no full coverage, though a cluster is a point to a product."""
  rng = np.random.default_rng(0)
  centres = rng.normal(size=(4, 300))
  points = lambda n, of: centres[rng.integers(of, size=n)] + sd * rng.normal(size=(n, 300))
  real, fake = points(400, 4).astype("f4"), points(400, 2).astype("f4")
  found, expected = prdc(real, fake), by_brute_force(real, fake)
  assert expected["recall"] < 0.6 and expected["coverage"] < 0.6 < expected["density"]
  np.testing.assert_allclose([found[k] for k in NAMES], [expected[k] for k in NAMES], atol=0.003)


def test_collapse_has_high_precision_and_low_recall():
  rng = np.random.default_rng(2)
  found = prdc(mixture(rng, 2000, range(20)), mixture(rng, 2000, [3], sd=0.05))
  assert found["precision"] > 0.95 and found["recall"] < 0.06 and found["coverage"] < 0.06


def test_dropped_modes_lower_recall_and_coverage_by_their_share():
  rng = np.random.default_rng(3)
  real = mixture(rng, 2000, range(20))
  whole, half = prdc(real, mixture(rng, 2000, range(20))), prdc(real, mixture(rng, 2000, range(10)))
  assert whole["precision"] > 0.95 and half["precision"] > 0.95
  for name in ("recall", "coverage"):
    np.testing.assert_allclose(half[name], whole[name] / 2, atol=0.05)


def test_noise_lowers_precision_and_density_not_recall():
  rng = np.random.default_rng(4)
  real = mixture(rng, 2000, range(20))
  clean, noisy = (prdc(real, mixture(rng, 2000, range(20), sd)) for sd in (0.1, 0.4))
  assert noisy["precision"] < 0.6 * clean["precision"] and noisy["density"] < 0.6 * clean["density"]
  assert noisy["recall"] > clean["recall"] - 0.02


def test_swapping_the_sets_swaps_precision_and_recall():
  real, fake = features(20, 1)
  one, other = prdc(real, fake), prdc(fake, real)
  assert (one["precision"], one["recall"]) == (other["recall"], other["precision"])


@pytest.mark.parametrize("d", [20, 200])
def test_blocks_do_not_change_the_numbers(d, monkeypatch):
  whole, seen = prdc(*features(d, 1)), []
  monkeypatch.setattr(distances, "BLOCK", 37 * 600)
  cut = prdc(*features(d, 1), progress=lambda blocks: seen.append(len(blocks)) or blocks)
  assert seen == [17, 12, 14]  # Blocks of 37, 44 and 44 rows of 600, 500 and 600.
  np.testing.assert_allclose(
    [cut[name] for name in NAMES], [whole[name] for name in NAMES], rtol=1e-9
  )


@pytest.mark.parametrize("d", [64, 2048])
def test_memory_of_fifty_thousand_squared_is_a_few_blocks(d):
  """The memory of compiled blocks of 50,000 x 50,000; the whole matrix would be 150 blocks."""
  n = 50_000
  rows = distances.row_blocks(n, n)[0].stop
  shape = lambda *s: jax.ShapeDtypeStruct(s, jnp.float32)
  first = reach.lower(shape(rows, d), shape(n, d), (3, 5))
  second = compare.lower(shape(rows, d), shape(n, d), shape(2, rows), shape(n))
  for lowered in (first, second):
    memory = lowered.compile().memory_analysis()
    assert memory.temp_size_in_bytes + memory.output_size_in_bytes < 5 * 4 * distances.BLOCK


def test_too_few_samples_are_refused_by_name():
  with pytest.raises(
    UserError, match="the fake set has 5 samples: neighbour number 5 needs at least 6"
  ):
    prdc(np.zeros((10, 2)), np.zeros((5, 2)))
