"""Differentiable augmentation: shapes, invariants, gradients and probabilities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest

from genjax_zoo.nn.diffaugment import AUGMENTATIONS, augment, colour, cutout, translation

X = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (64, 8, 10, 3)), jnp.float32)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_image_is_changed_on_its_own_and_gradients_pass(name):
  same = jnp.broadcast_to(X[:1], X.shape)
  y = augment(same, jax.random.key(0), (name,))
  assert y.shape == X.shape and len(np.unique(np.asarray(y).reshape(64, -1).round(5), axis=0)) > 8
  gradient = jax.grad(lambda x: augment(x, jax.random.key(0), (name,)).sum())(X)
  assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_translation_moves_by_at_most_an_eighth():
  x = jnp.zeros((500, 16, 16, 1)).at[:, 8, 8].set(1.0)
  y = np.asarray(translation(x, jax.random.key(0)))
  rows, columns = np.argwhere(y[..., 0])[:, 1:].T
  assert set(rows) == set(columns) == set(range(6, 11))  # 8 - 2 to 8 + 2.


def test_cutout_removes_a_rectangle_of_at_most_half_each_way():
  gone = np.asarray(cutout(jnp.ones((300, 8, 8, 1)), jax.random.key(0))) == 0
  rows, columns = gone.any((2, 3)).sum(1), gone.any((1, 3)).sum(1)
  np.testing.assert_array_equal(gone.sum((1, 2, 3)), rows * columns)
  assert rows.max() <= 4 and columns.max() <= 4 and gone.any((1, 2, 3)).all()


def test_colour_is_affine_in_each_image():
  for image, changed in zip(X[:4], colour(X, jax.random.key(0))[:4]):
    design = np.stack([image.ravel(), np.repeat(image.mean(-1).ravel(), 3), np.ones(image.size)], 1)
    fit = np.linalg.lstsq(design, np.asarray(changed).ravel(), rcond=None)[0]
    np.testing.assert_allclose(design @ fit, np.asarray(changed).ravel(), atol=1e-4)


def test_colour_is_neutral_in_the_mean_within_its_ranges():
  """Brightness b in [-0.5, 0.5], saturation s in [0, 2], contrast c in [0.5, 1.5], all uniform.

  x becomes c s x + c (1 - s) gray + b + (1 - c) mean, of which least squares find the three.
  """
  n = 2000
  image = np.asarray(X[0], np.float64)
  changed = np.asarray(colour(jnp.broadcast_to(X[:1], (n, 8, 10, 3)), jax.random.key(1)))
  gray = np.repeat(image.mean(-1).ravel(), 3)
  design = np.stack([image.ravel(), gray, np.ones(image.size)], 1)
  of_x, of_gray, constant = np.linalg.lstsq(design, changed.reshape(n, -1).T, rcond=None)[0]
  contrast = of_x + of_gray
  brightness = constant - (1 - contrast) * image.mean()
  ranges = {"b": (brightness, -0.5, 0.5), "s": (of_x / contrast, 0, 2), "c": (contrast, 0.5, 1.5)}
  for value, low, high in ranges.values():
    assert kstest(value, "uniform", (low, high - low)).pvalue > 1e-3


def test_without_augmentations_images_stay():
  np.testing.assert_array_equal(augment(X, jax.random.key(0), ()), X)


def test_each_augmentation_is_applied_to_a_share_p_of_the_images():
  """p may be traced: 0 leaves all images, 1 changes all, 0.25 a quarter; entire images each."""
  x = jnp.ones((2000, 8, 8, 1))
  share = jax.jit(
    lambda p: (augment(x, jax.random.key(0), ("cutout",), p) != x).any((1, 2, 3)).mean()
  )
  assert share(0.0) == 0 and share(1.0) == 1
  assert share(0.25) == pytest.approx(0.25, abs=0.03)
  # Two augmentations are applied independently of each other: 1 - (3 / 4)² have one or both.
  both = augment(x, jax.random.key(0), ("cutout", "colour"), 0.25)
  assert (both != x).any((1, 2, 3)).mean() == pytest.approx(1 - 0.75**2, abs=0.03)
