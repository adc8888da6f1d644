"""Spectral normalisation against the singular value decomposition."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.spectral import directions, normalised

rng = np.random.default_rng(0)
PARAMS = {
  "dense": {"kernel": jnp.asarray(rng.normal(size=(7, 5)), jnp.float32), "bias": jnp.arange(5.0)},
  "conv": {"kernel": jnp.asarray(rng.normal(size=(3, 3, 4, 6)), jnp.float32)},
}


def largest(w):
  return np.linalg.svd(np.asarray(w, np.float64).reshape(-1, w.shape[-1]), compute_uv=False)[0]


def test_converges_to_the_largest_singular_value():
  u = directions(jax.random.key(0), PARAMS)
  update = jax.jit(normalised)
  for _ in range(400):  # The two largest of a random matrix are close.
    found, u = update(PARAMS, u)
  for layer in PARAMS:
    sigma = (PARAMS[layer]["kernel"] / found[layer]["kernel"]).ravel()
    np.testing.assert_allclose(sigma, largest(PARAMS[layer]["kernel"]), rtol=1e-3)
    assert abs(largest(found[layer]["kernel"]) - 1) < 1e-3
  np.testing.assert_array_equal(found["dense"]["bias"], PARAMS["dense"]["bias"])
  many, _ = normalised(PARAMS, directions(jax.random.key(0), PARAMS), iterations=400)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), many, found)


def test_without_iterations_the_directions_stay():
  u = directions(jax.random.key(1), PARAMS)
  _, after = normalised(PARAMS, u, iterations=0)
  jax.tree.map(np.testing.assert_array_equal, after, u)


def test_gradient_is_that_of_w_over_its_norm():
  """Once converged, d sigma / dW = v u^T: equation 9 of the paper."""
  w, c = PARAMS["dense"]["kernel"], jnp.asarray(rng.normal(size=(7, 5)), jnp.float32)
  _, u = normalised({"w": w}, directions(jax.random.key(0), {"w": w}), iterations=100)
  found = jax.grad(lambda w: (normalised({"w": w}, u)[0]["w"] * c).sum())(w)
  left, sigma, right = np.linalg.svd(np.asarray(w, np.float64), full_matrices=False)
  expected = (c - (c * w).sum() / sigma[0] * np.outer(left[:, 0], right[0])) / sigma[0]
  np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
