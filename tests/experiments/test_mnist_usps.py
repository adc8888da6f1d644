"""The two domains of digits: as many of each, labels beside their images, pixels averaged."""

import numpy as np

from experiments.mnist_usps import domains, reduced


def flat(levels, size):
  return np.tile(np.asarray(levels, np.uint8)[:, None, None, None], (1, size, size, 1))


def test_a_split_has_as_many_of_each_and_the_label_of_the_first():
  mnist = {"image": flat(20 * np.arange(9), 28), "label": np.arange(9)}
  found = domains(mnist, {"image": flat([1, 2, 3], 16)[..., 0]}, seed=0)
  assert {k: x.shape for k, x in found.items()} == {
    "image_a": (3, 16, 16, 1),
    "image_b": (3, 16, 16, 1),
    "label": (3,),
  }
  np.testing.assert_array_equal(found["image_a"][:, 0, 0, 0], 20 * found["label"])
  np.testing.assert_array_equal(found["image_b"][:, 0, 0, 0], [1, 2, 3])


def test_a_pixel_is_the_mean_of_those_whose_centres_it_covers():
  """28 pixels on 16: the first covers 1.75 of them, and the centres of two."""
  rows = np.zeros((1, 28, 28, 1), np.uint8)
  rows[0, 0], rows[0, 1] = 70, 140
  np.testing.assert_array_equal(reduced(rows)[0, 0, :, 0], 105)
  assert (reduced(rows)[0, 1:] == 0).all()
