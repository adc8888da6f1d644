"""Adaptive augmentation: p in closed form; every change's size, and its inverse."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, stats

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
  augment = jax.jit(lambda x, p: ada.changed(x, ada.drawn(KEY, X.shape, names, p)))
  np.testing.assert_allclose(augment(X, 0.0), X, atol=1e-4)
  assert np.abs(augment(X, 1.0) - X).max() > 1e-3
  gradient = jax.grad(lambda x: (augment(x, 1.0) ** 2).sum())(X)
  assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def undone_by(change, *args):
  """Opposite numbers make the inverse change; of changes that are their own inverse the same do."""
  u, g = ada.numbers(KEY, (2, 200))
  sign = 1 if change in (ada.mirror, ada.inversion) else -1
  M, other = change(u, g, *args), change(sign * u, sign * g, *args)
  assert np.abs(M - M.mean(0)[None]).max() > 0.1
  expected = np.broadcast_to(np.eye(M.shape[-1]), (200, *M.shape[1:]))
  np.testing.assert_allclose(np.asarray(M, float) @ np.asarray(other, float), expected, atol=1e-3)


@pytest.mark.parametrize("change", dict.fromkeys(ada.GEOMETRY["blit"] + ada.GEOMETRY["geometry"]))
def test_a_geometric_change_and_its_inverse_are_equally_probable(change):
  undone_by(change, (16, 16))


@pytest.mark.parametrize("change", ada.COLOURS)
def test_a_change_of_colour_and_its_inverse_are_equally_probable(change):
  undone_by(change)


def test_numbers_are_uniform_and_normal_and_make_changes_as_large_as_the_paper_s():
  u, g = ada.numbers(KEY, (2, 4000))
  np.testing.assert_allclose(g, stats.norm.ppf((np.asarray(u, float) + 1) / 2), atol=1e-3)
  assert stats.kstest(np.asarray(u).ravel(), stats.uniform(-1, 2).cdf).pvalue > 1e-3
  of = lambda change, *args: np.asarray(change(u, g, *args), float)
  size = 16, 32
  logs = lambda x: np.log2(x).std()
  assert logs(of(ada.zoom, size)[:, 0, 0]) == pytest.approx(0.2, rel=0.05)
  assert logs(of(ada.stretch, size)[:, 0, 0]) == pytest.approx(0.2, rel=0.05)
  moves = of(ada.any_moves, size)[:, :2, 2]
  np.testing.assert_allclose(moves.std(0), [2, 4], rtol=0.05)
  moves = of(ada.whole_moves, size)[:, :2, 2]
  np.testing.assert_allclose(np.abs(moves).max(0), [2, 4])
  assert of(ada.brightness)[:, 0, 3].std() == pytest.approx(0.2, rel=0.05)
  assert logs(of(ada.contrast)[:, 0, 0]) == pytest.approx(0.5, rel=0.05)
  across = np.array([1, -1, 0, 0]) / np.sqrt(2)
  assert logs(across @ of(ada.saturation) @ across) == pytest.approx(1, rel=0.05)
  quarters = np.round(np.degrees(np.arctan2(*of(ada.quarter_turns, size)[:, :2, 0].T[::-1])))
  for change, cosines in ((ada.hue, across @ of(ada.hue) @ across), (ada.any_turn, None)):
    cosines = of(change, size)[:, 0, 0] if cosines is None else cosines
    assert cosines.mean() == pytest.approx(0, abs=0.05) and cosines.std() > 0.65
  shares = [(quarters % 360 == angle).mean() for angle in (0, 90, 180, 270)]
  np.testing.assert_allclose(shares, 0.25, atol=0.03)


def test_each_change_happens_with_probability_p_and_of_the_turns_one_or_both():
  u = jnp.linspace(-1, 1, 1001)[1:]
  M = ada.sometimes(u, 0.3, 2 * jnp.eye(3)[None].repeat(1000, 0))
  assert (np.asarray(M)[:, 0, 0] == 2).mean() == pytest.approx(0.3, abs=2e-3)
  turned = ada.share_of(ada.any_turn, 0.3)
  assert 1 - (1 - turned) ** 2 == pytest.approx(0.3, rel=1e-5)
  assert ada.share_of(ada.zoom, 0.3) == 0.3


def test_changes_are_made_in_order():
  """A place in the changed image goes through the last change first; a colour, last."""
  names, n = ("blit", "geometry"), 50
  u, g = ada.numbers(KEY, (8, 3, n))
  changes = ada.GEOMETRY["blit"] + ada.GEOMETRY["geometry"]
  made = [np.asarray(change(u[i], g[i], (8, 8)), float) for i, change in enumerate(changes)]
  expected = functools.reduce(np.matmul, made)
  np.testing.assert_allclose(ada.geometry(KEY, n, (8, 8), names, 1.0), expected, atol=1e-3)
  u, g = ada.numbers(KEY, (5, 2, n))
  made = [np.asarray(change(u[i], g[i]), float) for i, change in enumerate(ada.COLOURS)]
  expected = functools.reduce(lambda M, later: later @ M, made)
  np.testing.assert_allclose(ada.colours(KEY, n, 1.0), expected, rtol=1e-3, atol=1e-3)


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


def test_resampling_is_bilinear_with_mirrored_borders():
  M = ada.geometry(KEY, 4, (6, 6), ("geometry",), 1.0)
  y, x = np.mgrid[:6, :6] - 2.5
  places = np.asarray(M, float) @ np.stack([y, x, np.ones_like(y)]).reshape(3, -1) + 2.5
  images = np.asarray(X, float)
  expected = np.stack([
    [ndimage.map_coordinates(image[..., c], place[:2], order=1, mode="reflect") for c in range(3)]
    for image, place in zip(images, places)
  ])  # fmt: skip
  expected = expected.reshape(4, 3, 6, 6).transpose(0, 2, 3, 1)
  np.testing.assert_allclose(ada.resampled(X, M), expected, atol=1e-4)


def test_colours_are_undone_by_the_inverse_matrix():
  M = ada.colours(KEY, 4, 1.0)
  np.testing.assert_allclose(
    ada.recoloured(ada.recoloured(X, M), jnp.linalg.inv(M)), X, rtol=1e-2, atol=1e-2
  )


def test_bands_sum_to_1_and_expected_power_is_kept():
  np.testing.assert_allclose(ada.bands(12, 10).sum(0), jnp.ones((12, 6)), atol=1e-5)
  g = ada.gains(KEY, 50, 1.0)
  # One by one, as in the paper's code.
  drawn = np.asarray(ada.numbers(KEY, (2, 50, 4))[1][0])
  expected = np.ones((50, 4))
  for band in range(4):
    changed = np.ones((50, 4))
    changed[:, band] = 2.0 ** drawn[:, band]
    expected *= changed / np.sqrt((np.array(ada.POWER) * changed**2).sum(1, keepdims=True))
  np.testing.assert_allclose(g, expected, rtol=1e-4)
  np.testing.assert_allclose(
    (jnp.array(ada.POWER)[None] * ada.gains(KEY, 3, 0.0) ** 2).sum(1), 1, rtol=1e-5
  )
  np.testing.assert_allclose(ada.filtered(X, jnp.full((4, 4), 0.5)), 0.5 * X, atol=1e-4)
