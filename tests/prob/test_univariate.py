"""Univariate maps: logits of the closed interval, mixtures of logistics and their inverses.

Their log-determinants are in test_bijectors.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import bijectors as b, univariate as u


def normal(seed, *shape, scale=1.0):
  return scale * jax.random.normal(jax.random.key(seed), shape, float)


def test_logit_takes_the_closed_interval():
  x = jnp.array([[0.0, 0.3, 1.0]])
  y, log_det = b.elementwise(u.logit(0.05)).forward_and_log_det(x)
  p = 0.025 + 0.95 * np.asarray(x)
  np.testing.assert_allclose(y, np.log(p / (1 - p)), rtol=1e-5)
  np.testing.assert_allclose(log_det, np.log(0.95 / (p * (1 - p))).sum(-1), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("distance", [0.1, 3.0, 1000.0])
def test_mixture_of_logistics_is_its_cdf_and_is_inverted(distance):
  """Also far in the tails, and between components so far apart that the slope underflows."""
  with jax.enable_x64(True):
    K, x = 5, jnp.r_[jnp.linspace(-6, 6, 101), -1e4, 1e4, 50.0]
    params = normal(0, 3 * K + 2).at[K : 2 * K].mul(distance)
    f = u.mixture_of_logistics(jnp.broadcast_to(params, (len(x), len(params))))
    y, log_slope = f.forward_and_log_det(x)
    means = params[K : 2 * K] + jnp.linspace(-1, 1, K)
    log_scales = 4 * jnp.tanh(params[2 * K : 3 * K] / 4)
    components = jax.nn.sigmoid((x[:, None] - means[None]) * jnp.exp(-log_scales)[None])
    F = (jax.nn.softmax(params[:K])[None] * components).sum(-1)
    logit_F = (y - params[-1]) * np.exp(-4 * np.tanh(params[-2] / 4))
    np.testing.assert_allclose(jax.nn.sigmoid(logit_F), F, atol=1e-12)
    assert np.isfinite(y).all() and np.isfinite(log_slope).all()
    back, inverse_slope = f.inverse_and_log_det(y)
    np.testing.assert_allclose(f.forward_and_log_det(back)[0], y, rtol=1e-12, atol=1e-12)
    near = log_slope > -10  # Elsewhere y is nearly the same for different x.
    np.testing.assert_allclose(back[near], x[near], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(inverse_slope[near], -log_slope[near], atol=1e-7)


@pytest.mark.slow
def test_derivatives_of_the_mixtures_inverse_are_those_of_the_implicit_function_theorem():
  with jax.enable_x64(True):
    params = normal(0, 14)
    y = jnp.array(0.7)
    h = 1e-6
    g = lambda y, params: u.mixture_of_logistics(params).inverse_and_log_det(y)[0]
    dy, dp = jax.grad(g, (0, 1))(y, params)
    np.testing.assert_allclose(dy, (g(y + h, params) - g(y - h, params)) / (2 * h), rtol=1e-6)
    shifted = jax.vmap(lambda e: (g(y, params + h * e) - g(y, params - h * e)) / (2 * h))(
      jnp.eye(14)
    )
    np.testing.assert_allclose(dp, shifted, rtol=1e-5, atol=1e-8)


@pytest.mark.slow
def test_mixture_of_logistics_in_float32_is_finite_with_its_gradients():
  points = jnp.r_[jnp.linspace(-20, 20, 41), 1e4, -1e4]
  for size in 1.0, 30.0:
    row = normal(1, 14, scale=size)
    for direction in u.Bijector._fields:
      both = lambda x, p: jnp.stack(getattr(u.mixture_of_logistics(p), direction)(x))
      value = jax.jit(jax.vmap(both, (0, None)))(points, row)
      dx, dp = jax.jit(jax.vmap(jax.jacrev(both, (0, 1)), (0, None)))(points, row)
      for found in value, dx, dp:
        assert np.isfinite(found).all(), (size, direction)
