"""Adaptive augmentation: p in closed form; every change's mean, and its inverse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn import ada

KEY = jax.random.key(0)
X = jax.random.normal(KEY, (4, 6, 6, 3))


def test_p_goes_by_the_sign_of_the_mean_sign_of_four_updates():
  state = ada.started(("blit",))
  logits = [jnp.array([1.0, 2.0, 3.0, share]) for share in (1, 1, 1, -1, -1, -1, -1, -1)]
  found = []
  for real in logits:
    state = ada.adapted(state, real, target=0.6, speed=64.0)
    found.append(float(state["p"]))
  # E sign is 7 / 8, then 1 / 2; four updates of four images are a quarter of the speed.
  np.testing.assert_allclose(found, [0, 0, 0, 0.25, 0.25, 0.25, 0.25, 0], atol=1e-6)
  assert ada.adapted({}, logits[0], 0.6, 64.0) == {}


@pytest.mark.parametrize("names", [(name,) for name in ada.CHANGES])
def test_p_0_changes_nothing_and_gradients_pass(names):
  augment = jax.jit(lambda x, p: ada.augment(x, KEY, names, p))
  np.testing.assert_allclose(augment(X, 0.0), X, atol=1e-4)
  assert np.abs(augment(X, 1.0) - X).max() > 1e-3
  gradient = jax.grad(lambda x: (augment(x, 1.0) ** 2).sum())(X)
  assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


@pytest.mark.parametrize("change", dict.fromkeys(ada.GEOMETRY["blit"] + ada.GEOMETRY["geometry"]))
def test_a_geometric_change_and_its_inverse_are_equally_probable(change):
  """The mean of M - M^-1 is 0 within 5 standard errors."""
  M = np.asarray(change(KEY, 4000, (16, 16)), np.float64)
  both = M - np.linalg.inv(M)
  error = both.std(0) / np.sqrt(4000)
  assert (np.abs(both.mean(0)) <= 5 * error + 1e-6).all()


@pytest.mark.parametrize("change", ada.COLOURS)
def test_a_change_of_colour_and_its_inverse_are_equally_probable(change):
  M = np.asarray(change(KEY, 4000), np.float64)
  both = M - np.linalg.inv(M)
  error = both.std(0) / np.sqrt(4000)
  assert (np.abs(both.mean(0)) <= 5 * error + 1e-5).all()


def test_whole_moves_turns_and_mirrors_are_exact_and_undone():
  np.testing.assert_allclose(
    ada.resampled(X, ada.scaling(jnp.ones(4), -jnp.ones(4))), X[:, :, ::-1], atol=1e-5
  )
  quarter = ada.turn(jnp.full(4, jnp.pi / 2))
  turned = ada.resampled(X, quarter)
  np.testing.assert_allclose(turned, jnp.rot90(X, -1, (1, 2)), atol=1e-4)
  np.testing.assert_allclose(ada.resampled(turned, jnp.linalg.inv(quarter)), X, atol=1e-4)
  moved = ada.resampled(X, ada.shift(jnp.ones(4), jnp.zeros(4)))
  np.testing.assert_allclose(moved[:, :-1], X[:, 1:], atol=1e-5)
  np.testing.assert_allclose(moved[:, -1], X[:, -1], atol=1e-5)  # Mirrored.


def test_colours_are_undone_by_the_inverse_matrix():
  M = ada.colours(KEY, 4, 1.0)
  np.testing.assert_allclose(
    ada.recoloured(ada.recoloured(X, M), jnp.linalg.inv(M)), X, rtol=1e-2, atol=1e-2
  )


def test_bands_sum_to_1_and_expected_power_is_kept():
  np.testing.assert_allclose(ada.bands(12, 10).sum(0), jnp.ones((12, 6)), atol=1e-5)
  g = ada.gains(KEY, 50, 1.0)
  np.testing.assert_allclose(
    (jnp.array(ada.POWER)[None] * ada.gains(KEY, 3, 0.0) ** 2).sum(1), 1, rtol=1e-5
  )
  np.testing.assert_allclose(ada.filtered(X, jnp.full((4, 4), 0.5)), 0.5 * X, atol=1e-4)
  assert g.shape == (50, 4) and (g > 0).all()
