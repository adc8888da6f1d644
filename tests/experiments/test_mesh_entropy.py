"""The entropy of quantized boxes, where it is known."""

import numpy as np
import pytest

from experiments.lessons.mesh_entropy import entropy_of_boxes


def test_boxes_on_two_levels_are_one_cube():
  assert entropy_of_boxes(2, 20) == pytest.approx(3 / 8)


def test_boxes_on_four_levels_have_long_sides_and_short_ones():
  """A side is short, of one step in place of three, under 2/3 of the longest; others are long.

  Of sides uniform in (0.3, 1) the longest is below m with probability ((m - 0.3) / 0.7)^3, and
  given it the two others are uniform in (0.3, m).
  """
  m = np.linspace(0.3, 1, 20_001)[1:] - 0.7 / 40_000
  density = 3 * (m - 0.3) ** 2 / 0.7**3
  is_long = (m - np.maximum(0.3, 2 / 3 * m)) / (m - 0.3)
  mean = lambda x: (density * x).mean() * 0.7
  shares = mean(is_long**2), mean(2 * is_long * (1 - is_long)), mean((1 - is_long) ** 2)
  assert sum(shares) == pytest.approx(1, abs=1e-6)
  counts = 1, 3, 3  # Which sides are short.
  bits = sum(-p * np.log2(p / n) for p, n in zip(shares, counts))
  assert entropy_of_boxes(4, 4000) == pytest.approx((bits + 3) / 8, abs=0.01)
