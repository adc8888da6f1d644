"""Mode counts: the truth, dropped modes, junk, and the divergence from uniform in closed form."""

import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.metrics.modes import gaussian_modes, reverse_kl, stacked_modes

GRID = np.stack(np.meshgrid(range(5), range(5)), -1).reshape(25, 2).astype(float)


def draw(rng, n, modes, sd=0.05):
  return GRID[rng.choice(modes, n)] + sd * rng.normal(size=(n, 2))


def test_the_truth_finds_all_modes_with_the_share_of_three_sd():
  n = 20_000
  found = gaussian_modes(draw(np.random.default_rng(0), n, range(25)), GRID, 0.05, share=0.5)
  expected = 1 - np.exp(-4.5)
  assert found["modes"] == 25
  assert abs(found["high_quality"] - expected) < 4 * np.sqrt(expected * (1 - expected) / n)
  np.testing.assert_allclose(found["reverse_kl"], 24 / (2 * n), rtol=1)


def test_dropped_modes_and_junk():
  rng = np.random.default_rng(1)
  good, junk = draw(rng, 6000, range(10)), rng.uniform(20, 30, (2000, 2))
  found = gaussian_modes(np.concatenate([good, junk]), GRID, 0.05)
  assert found["modes"] == 10
  np.testing.assert_allclose(found["high_quality"], 0.75 * (1 - np.exp(-4.5)), atol=0.01)
  np.testing.assert_allclose(found["reverse_kl"], np.log(2.5), atol=0.01)
  nothing = gaussian_modes(junk, GRID, 0.05)
  assert nothing == {"modes": 0, "high_quality": 0.0, "reverse_kl": np.log(25)}


def test_share_asks_for_a_part_of_what_is_due():
  # A hundred samples of two modes: fifty are due to each.
  samples = np.repeat(GRID[:2], [99, 1], 0)
  count = lambda share: gaussian_modes(samples, GRID[:2], 0.05, share)["modes"]
  assert (count(0.0), count(0.02), count(0.03)) == (2, 2, 1)


def test_sd_may_differ_by_mode():
  samples = GRID[:2] + [[0.25, 0]]
  assert gaussian_modes(samples, GRID[:2], np.array([0.1, 0.01]))["modes"] == 1


def test_reverse_kl():
  assert reverse_kl(np.full(7, 3)) == 0
  np.testing.assert_allclose(reverse_kl([0, 5, 0, 0]), np.log(4))
  q = np.array([0.2, 0.3, 0.5])
  np.testing.assert_allclose(reverse_kl(1000 * q), np.sum(q * np.log(3 * q)))


def test_stacked_modes():
  rng = np.random.default_rng(2)
  everything = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), 1)
  assert stacked_modes(everything) == {"modes": 1000, "reverse_kl": pytest.approx(0, abs=1e-12)}
  found = stacked_modes(np.full((100, 3), 4))
  assert found == {"modes": 1, "reverse_kl": pytest.approx(np.log(1000))}
  assert stacked_modes(rng.integers(0, 5, (5000, 3)))["modes"] == 125
  uniform = stacked_modes(rng.integers(0, 10, (26_000, 3)))
  assert uniform["modes"] == 1000
  np.testing.assert_allclose(uniform["reverse_kl"], 999 / (2 * 26_000), rtol=0.2)
  with pytest.raises(UserError, match="integers from 0 to 9"):
    stacked_modes(np.full((4, 3), 10))
