"""The unevenness of clouds against its definition."""

import numpy as np
import pytest

from experiments.lessons.latent_points import unevenness


def test_a_lattice_is_even_and_random_points_are_not():
  lattice = np.stack(np.meshgrid(*[np.arange(4.0)] * 3), -1).reshape(1, -1, 3)
  assert unevenness(lattice) == pytest.approx(0, abs=1e-6)
  # Distances to the nearest point: 1, 1 and 3.
  three = np.array([[[0.0, 0, 0], [1, 0, 0], [4, 0, 0]]])
  assert unevenness(three) == pytest.approx(np.std([1, 1, 3]) / np.mean([1, 1, 3]))
  both = unevenness(np.concatenate([three, three[:, ::-1] * 7]))
  assert both == pytest.approx(unevenness(three))
