"""Codebooks: moving averages in closed form, the straight-through gradient, relaxed samples."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.codebook import (
  codes_of,
  nearest_code,
  perplexity,
  restart_dead,
  start_codebook,
  straight_through,
  update_codebook,
)
from genjax_zoo.sharding import make_mesh, put

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(6, 4, 3)).astype(np.float32)


def test_the_nearest_code_is_that_of_brute_force():
  codes = RNG.normal(size=(5, 3)).astype(np.float32)
  distance = ((Z[..., None, :] - codes) ** 2).sum(-1)
  np.testing.assert_array_equal(nearest_code(Z, codes), distance.argmin(-1))


def test_codes_are_means_of_their_vectors_weighted_by_age():
  """After batches 1 .. t: count = d^t + (1 - d) sum_s d^(t - s) n_s, and total likewise."""
  decay, size = 0.9, 4
  book = start_codebook(jax.random.key(0), Z, size)
  count, total = np.ones(size), np.asarray(book["total"])
  batches = RNG.normal(size=(3, 8, 3)).astype(np.float32)
  for batch in batches:
    numbers = RNG.integers(0, size, 8)
    book = update_codebook(book, batch, numbers, decay)
    one_hot = np.eye(size)[numbers]
    count = decay * count + (1 - decay) * one_hot.sum(0)
    total = decay * total + (1 - decay) * one_hot.T @ batch
  np.testing.assert_allclose(book["count"], count, rtol=1e-5)
  np.testing.assert_allclose(book["total"], total, rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(codes_of(book), total / count[:, None], rtol=1e-3, atol=1e-5)


def test_smoothing_keeps_unused_codes_finite_and_the_total_count():
  book = {"count": jnp.array([0.0, 3.0]), "total": jnp.array([[0.0], [6.0]])}
  codes = codes_of(book)
  # (count + e) / (n + K e) n: 3 (1 - e / 3) to first order.
  np.testing.assert_allclose(codes, [[0], [6 / (3 - 1e-5)]], rtol=1e-6)
  assert np.isfinite(codes).all()


def test_the_straight_through_gradient_is_the_identity():
  z, e = Z[0], Z[1]
  np.testing.assert_allclose(straight_through(z, e), e, atol=1e-6)
  jacobian = jax.jacobian(lambda z: straight_through(z, e))(z).reshape(12, 12)
  np.testing.assert_array_equal(jacobian, np.eye(12))
  assert not np.any(jax.grad(lambda e: straight_through(z, e).sum())(e))


def test_dead_codes_restart_where_the_error_is():
  book = {"count": jnp.array([5.0, 0.01]), "total": jnp.array([[5.0], [7.0]])}
  z = jnp.array([[1.0], [1.0], [9.0]])  # The last alone is badly quantized, by code 0 at 1.
  numbers = jnp.zeros(3, jnp.int32)
  for seed in range(5):
    new = restart_dead(book, z, numbers, jax.random.key(seed), least=0.1)
    np.testing.assert_allclose(codes_of(new), [[1], [9]], rtol=1e-4)
    np.testing.assert_array_equal(new["count"], [5, 1])


def test_dead_codes_restart_at_vectors_in_proportion_to_their_squared_error():
  codes = 4000
  book = {"count": jnp.zeros(codes).at[0].set(5.0), "total": jnp.zeros((codes, 1))}
  z, numbers = jnp.array([[1.0], [3.0]]), jnp.zeros(2, jnp.int32)
  new = restart_dead(book, z, numbers, jax.random.key(0), least=0.1)
  share = (new["total"][1:] == 3).mean()
  np.testing.assert_allclose(share, 9 / 10, atol=5 * np.sqrt(0.09 / codes))


def test_a_batch_over_four_devices_gives_the_codebook_of_one():
  z = RNG.normal(size=(8, 4, 3)).astype(np.float32)
  book = start_codebook(jax.random.key(0), Z, 6)

  @jax.jit
  def after(book, z):
    numbers = nearest_code(z, codes_of(book))
    return restart_dead(
      update_codebook(book, z, numbers, 0.9), z, numbers, jax.random.key(1), least=1.3
    )

  alone = after(book, z)
  assert 0 < (alone["count"] == 1).sum() < 6  # Some restart.
  mesh = make_mesh()
  assert mesh.size == 4
  with jax.set_mesh(mesh):
    shared = after(book, put(z, mesh, "data"))
  for name, x in alone.items():
    np.testing.assert_allclose(shared[name], x, rtol=1e-5, atol=1e-6)


def test_codes_of_a_blank_image_differ():
  codes = codes_of(start_codebook(jax.random.key(0), jnp.ones((6, 4, 3)), 8))
  assert len(np.unique(codes, axis=0)) == 8
  np.testing.assert_allclose(codes, 1, atol=0.01)


def test_codes_start_at_different_vectors_of_the_batch():
  codes = codes_of(start_codebook(jax.random.key(0), Z, 24))
  distance = np.linalg.norm(codes[:, None] - Z.reshape(1, 24, 3), axis=-1)
  assert distance.min(1).max() < 0.01
  assert len(set(distance.argmin(1))) == 24


def test_perplexity_counts_the_codes_in_use():
  np.testing.assert_allclose(perplexity(jnp.array([4.0, 4.0, 0.0, 4.0])), 3, rtol=1e-6)
  p = np.array([0.5, 0.25, 0.25])
  np.testing.assert_allclose(perplexity(8 * p), np.exp(-(p * np.log(p)).sum()), rtol=1e-6)
