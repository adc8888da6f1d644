"""What figures share."""

import numpy as np

from genjax_zoo.figures.common import first_rows


def test_few_examples_start_again():
  """A small data set has fewer test examples than a figure has samples."""
  rows = first_rows({"image": np.arange(3), "tokens": np.eye(3)}, 5)
  np.testing.assert_array_equal(rows["image"], [0, 1, 2, 0, 1])
  np.testing.assert_array_equal(rows["tokens"], np.eye(3)[[0, 1, 2, 0, 1]])
  np.testing.assert_array_equal(first_rows({"image": np.arange(3)}, 2)["image"], [0, 1])
