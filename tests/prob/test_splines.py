"""Splines: a quotient of two quadratics, the identity outside, finite and inverted everywhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import BPoly

from genjax_zoo.prob.splines import inverse_spline, spline


def normal(seed, *shape, scale=1.0):
  return scale * jax.random.normal(jax.random.key(seed), shape, float)


def test_spline_of_zeros_is_the_identity():
  x = jnp.linspace(-5, 5, 1001)
  y, log_slope = spline(x, jnp.zeros((1001, 23)))
  np.testing.assert_allclose(y, x, atol=2e-6)
  np.testing.assert_allclose(log_slope, 0, atol=2e-5)


def test_splines_end_with_slope_1_at_the_edges_of_the_identity():
  bound, step = 3.0, 1e-7
  params = jnp.broadcast_to(normal(0, 23, scale=2.0), (6, 23))
  with jax.enable_x64(True):
    x = jnp.array([-1e6, -bound - step, -bound + step, bound - step, bound + step, 1e6])
    for function in spline, inverse_spline:
      y, log_slope = function(x, params.astype(float), bound)
      np.testing.assert_allclose(y, x, atol=1e-9)
      np.testing.assert_allclose(log_slope, 0, atol=1e-3)
      np.testing.assert_array_equal(log_slope[jnp.array([0, 1, 4, 5])], 0)
      assert (
        np.abs(function(x[2:4] / 2, params[:2].astype(float), bound)[0] - x[2:4] / 2).min() > 0.1
      )


def rational_quadratic_piece(x, at, to, slopes):
  """The spline by scipy, bin by bin: a quotient of two quadratics in the Bernstein basis."""
  k = np.clip(np.searchsorted(at, x, "right") - 1, 0, len(at) - 2)
  out = np.empty_like(x)
  for i in range(len(at) - 1):
    s = (to[i + 1] - to[i]) / (at[i + 1] - at[i])
    w = np.array([1, (slopes[i] + slopes[i + 1]) / (2 * s), 1])  # Gregory and Delbourgo 1982.
    middle = (to[i] * slopes[i + 1] + to[i + 1] * slopes[i]) / (2 * s)
    top = BPoly([[to[i]], [middle], [to[i + 1]]], at[i : i + 2])
    bottom = BPoly(w[:, None], at[i : i + 2])
    out[k == i] = top(x[k == i]) / bottom(x[k == i])
  return out


def test_spline_is_the_quotient_of_two_quadratics():
  rng = np.random.default_rng(0)
  K, bound, least = 6, 3.0, 1e-3
  params = rng.normal(size=3 * K - 1) * 2
  widths = lambda raw: least + (1 - K * least) * np.exp(raw) / np.exp(raw).sum()
  edges = lambda raw: bound * np.r_[-1, 2 * np.cumsum(widths(raw)) - 1]
  slopes = np.r_[1, least + np.log1p(np.exp(params[2 * K :] + np.log(np.expm1(1 - least)))), 1]
  x = rng.uniform(-bound, bound, 400)
  expected = rational_quadratic_piece(x, edges(params[:K]), edges(params[K : 2 * K]), slopes)
  with jax.enable_x64(True):
    y, log_slope = spline(jnp.array(x), jnp.broadcast_to(params, (400, 3 * K - 1)), bound)
    slope = jax.vmap(jax.grad(lambda x: spline(x, jnp.array(params), bound)[0]))(jnp.array(x))
  np.testing.assert_allclose(y, expected, atol=1e-9)
  np.testing.assert_allclose(log_slope, np.log(slope), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1.0, 10.0, 100.0])
def test_spline_is_monotone_inverted_and_finite_everywhere(size):
  """Values and gradients at edges, knots and in the tails; extreme parameters give bins of 1e-3."""
  bound = 4.0
  points = jnp.concatenate([jnp.linspace(-5, 5, 401), jnp.array([-bound, bound, 0.0, 1e6, -1e30])])
  for seed in range(2):
    row = normal(seed, 23, scale=size)
    for function in spline, inverse_spline:
      both = lambda x, p: jnp.stack(function(x, p, bound))
      value = jax.jit(both)(points, jnp.broadcast_to(row, (len(points), 23)))
      assert np.isfinite(value).all()
      dx, dp = jax.jit(jax.vmap(jax.jacrev(both, (0, 1)), (0, None)))(points, row)
      assert np.isfinite(dx).all() and np.isfinite(dp).all()
      assert (np.diff(value[0, :401]) >= 0).all()
      tails = np.abs(points) >= bound
      np.testing.assert_array_equal(
        value[:, tails], np.stack([points, np.zeros_like(points)])[:, tails]
      )
      np.testing.assert_array_equal(dx[tails, 0], 1)
    # A float32 step of y is at most as many steps of x as the slope says.
    p = jnp.broadcast_to(row, (len(points), 23))
    y, log_slope = spline(points, p, bound)
    x, _ = inverse_spline(y, p, bound)
    error = np.abs(x - points)[:401]
    if size < 100:  # Beyond, float32 can't tell the points of the flattest bins apart.
      assert (error <= 1e-4 + 4e-6 * np.exp(-log_slope[:401])).all()
