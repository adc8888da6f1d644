"""Path lengths: those of a linear generator, in closed form, along lines and along circles."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.metrics.path_length import line, path_lengths, trimmed_mean

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 50, 3)).astype(np.float32)
W = RNG.normal(size=(3, 7)).astype(np.float32)
KEY = jax.random.key(0)


def squared(x, y):
  return jnp.square(x - y).sum(-1)


def test_a_linear_generator_is_as_long_as_the_line_is():
  found = path_lengths(lambda z: z @ W, line, squared, A, B, KEY)
  np.testing.assert_allclose(found, ((B - A) @ W).__pow__(2).sum(-1), rtol=2e-2)


def test_a_circle_is_as_long_as_its_angle():
  """x = (cos s, sin s) moves by |ds| per step: length (angle)² for every t."""
  angle = np.abs(RNG.normal(size=50)).astype(np.float32)
  on_circle = lambda s: jnp.concatenate([jnp.cos(s), jnp.sin(s)], -1)
  found = path_lengths(on_circle, line, squared, 0 * angle[:, None], angle[:, None], KEY)
  np.testing.assert_allclose(found, angle**2, rtol=2e-2, atol=1e-4)


def test_twice_as_steep_is_four_times_as_long():
  one = path_lengths(lambda z: z @ W, line, squared, A, B, KEY)
  two = path_lengths(lambda z: 2 * (z @ W), line, squared, A, B, KEY)
  np.testing.assert_allclose(two, 4 * one, rtol=2e-2)


def test_outliers_are_left_out_of_the_mean():
  lengths = np.concatenate([np.full(98, 2.0), [0.0, 1e6]])
  np.testing.assert_allclose(trimmed_mean(lengths, 0.011), 2)
