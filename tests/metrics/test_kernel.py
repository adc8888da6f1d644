"""MMD: the double sum, other programs, values for Gaussians, no bias, the standard error."""

import jax
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.metrics.kernel import cubic, gaussian, kid, median_distance, mmd, unbiased
from tests.metrics.references import SETS, features, quality


def narrow(d):
  return lambda x, y: gaussian(x, y, np.sqrt(d))


def double_sum(k, x, y):
  mean = lambda a, b, skip: np.mean(
    [k(u, v) for i, u in enumerate(a) for j, v in enumerate(b) if i != j or not skip]
  )
  return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


def test_equals_the_double_sum():
  rng = np.random.default_rng(0)
  x, y = rng.normal(size=(12, 3)), rng.normal(size=(17, 3)) + 1
  expected = double_sum(lambda u, v: (u @ v / 3 + 1) ** 3, x, y)
  np.testing.assert_allclose(unbiased(cubic, x.astype("f4"), y.astype("f4")), expected, rtol=1e-5)
  expected = double_sum(lambda u, v: np.exp(-((u - v) ** 2).sum() / (2 * 1.5**2)), x, y)
  np.testing.assert_allclose(
    unbiased(lambda a, b: gaussian(a, b, 1.5), x.astype("f4"), y.astype("f4")), expected, rtol=1e-5
  )


@pytest.mark.parametrize("d, seed", SETS)
def test_equals_torch_fidelity(d, seed):
  real, fake = features(d, seed)
  np.testing.assert_allclose(unbiased(cubic, real[:500], fake), quality()[f"kid_{d}"], rtol=1e-4)
  np.testing.assert_allclose(
    unbiased(narrow(d), real[:500], fake), quality()[f"rbf_{d}"], rtol=1e-4
  )


def test_population_values_of_two_gaussians():
  """(x y + 1)^3 is a sum of moments; a Gaussian kernel of Gaussians is a Gaussian integral."""
  shift, h, rng = 0.5, 1.3, np.random.default_rng(1)
  x, y = rng.normal(size=(20_000, 1)), shift + rng.normal(size=(20_000, 1))
  value, error = kid(x, y)
  expected = 3 * shift**2 + 3 * shift**4 + (shift**3 + 3 * shift) ** 2
  assert abs(value - expected) < 4 * error < 0.4 * expected
  value, error = mmd(x, y, bandwidth=h)
  expected = 2 * h / np.sqrt(h**2 + 2) * (1 - np.exp(-(shift**2) / (2 * (h**2 + 2))))
  assert abs(value - expected) < 4 * error < 0.2 * expected


def test_no_bias_and_an_honest_standard_error():
  rng = np.random.default_rng(2)
  found = np.array([kid(*rng.normal(size=(2, 100, 2)), seed=i) for i in range(300)])
  values, scores = found[:, 0], found[:, 0] / found[:, 1]
  assert abs(values.mean()) < 4 * values.std() / np.sqrt(300)
  # Diagonals left in would add 2 (E k(x, x) - E k(x, x')) / 10 = 2 (16 - 2.5) / 10 in blocks of ten
  # rows.
  assert 4 * values.std() / np.sqrt(300) < 0.27
  # A t statistic of nine degrees of freedom: sqrt(9 / 7) = 1.13.
  assert 0.9 < np.sqrt(np.mean(scores**2)) < 1.4


def test_a_gaussian_kernel_sees_what_three_moments_do_not():
  rng = np.random.default_rng(3)
  # Both 0, 1, 0.
  coins, normal = rng.choice([-1.0, 1.0], (10_000, 1)), rng.normal(size=(10_000, 1))
  value, error = kid(coins, normal)
  assert abs(value) < 4 * error
  value, error = mmd(coins, normal)
  assert value > 10 * error


def test_small_values_survive_large_features():
  """A constant in all kernel values cancels before the sum; 1e-6 of it would hide the result."""
  rng = np.random.default_rng(4)
  x, y = (30 + rng.normal(size=(500, 10)) for _ in range(2))
  k = lambda a, b: (a @ b.T / 10 + 1) ** 3
  inner = lambda k: (k.sum() - np.trace(k)) / (500 * 499)
  expected = inner(k(x, x)) + inner(k(y, y)) - 2 * k(x, y).mean()
  found = jax.jit(unbiased, static_argnums=0)(cubic, x.astype("f4"), y.astype("f4"))
  np.testing.assert_allclose(found, expected, rtol=1e-2)


def test_median_distance():
  x = np.random.default_rng(5).normal(size=(4000, 1)).astype("f4")
  np.testing.assert_allclose(median_distance(x[:2000], x[2000:]), np.sqrt(2) * 0.6745, rtol=0.05)
  assert median_distance(np.ones((30, 2), "f4"), np.ones((30, 2), "f4")) == 1


def test_equal_constants_are_at_distance_zero_and_few_samples_refused():
  for d in (3, 300):
    ones = np.ones((40, d))
    assert kid(ones, ones) == (0, 0) and mmd(ones, ones) == (0, 0)
  with pytest.raises(UserError, match="the smaller set has 19 samples"):
    kid(np.ones((100, 2)), np.ones((19, 2)))
