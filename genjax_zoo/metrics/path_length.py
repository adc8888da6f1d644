"""Perceptual path length (Karras 2019, arXiv:1812.04948, section 4.1): how smooth latents are."""

from collections.abc import Callable

import jax
import numpy as np

EPSILON = 1e-3  # The step along a path; the paper's 1e-4 is lost in the rounding of float32 here.


def path_lengths(
  generate: Callable, interpolate: Callable, distance: Callable, a, b, key, epsilon: float = EPSILON
) -> np.ndarray:
  """|change of the features|² for a small step from a to b, over the step squared: [N].

  generate(z [N, D]) are images as floats, interpolate(a, b, t [N, 1]) the path from a [N, D] at
  t = 0 to b at t = 1, and distance(images, images) -> [N] the squared distance in a feature space.
  The step begins at t ~ U(0, 1), a place for each pair. The mean is the perceptual path length: of
  z by spherical interpolation (prob/interpolation.py), of mapped latents w by `line`.
  """
  t = jax.random.uniform(key, (len(a), 1), maxval=1 - epsilon)
  here = generate(interpolate(a, b, t))
  there = generate(interpolate(a, b, t + epsilon))
  return np.asarray(distance(here, there)) / epsilon**2


def line(a, b, t):
  """The point at t [N, 1] on the line from a to b, [N, D]."""
  return a + t * (b - a)


def trimmed_mean(lengths, share: float = 0.01) -> float:
  """The mean without the lowest and the highest `share`, as the authors' code takes it."""
  low, high = np.quantile(lengths, [share, 1 - share], method="lower")
  return float(np.mean(lengths[(lengths >= low) & (lengths <= high)]))
