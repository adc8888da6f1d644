"""Attention is that of `jax.nn`, and its derivatives are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn.attention import attend


@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_that_of_jax_and_so_is_its_gradient(masked):
  keys = jax.random.split(jax.random.key(0), 4)
  q, k, v, cotangent = (
    3 * jax.random.normal(key, (2, n, 3, 4)) for key, n in zip(keys, (5, 7, 7, 5))
  )
  mask = jnp.arange(7)[None] <= jnp.arange(5)[:, None] if masked else None
  theirs = lambda q, k, v: jax.nn.dot_product_attention(
    q, k, v, mask=mask[None, None] if masked else None
  )
  (mine, pull), (reference, pull_reference) = (
    jax.vjp(lambda *a: attend(*a, mask), q, k, v),
    jax.vjp(theirs, q, k, v),
  )
  np.testing.assert_allclose(mine, reference, rtol=1e-5, atol=1e-5)
  for a, b in zip(pull(cotangent), pull_reference(cotangent)):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_logits_of_any_size_are_no_overflow():
  q = 1e3 * jax.random.normal(jax.random.key(0), (1, 4, 1, 2))
  gradient = jax.grad(lambda q: (attend(q, q, q) ** 2).sum())(q)
  assert np.isfinite(gradient).all()


def test_half_precision_stays_half():
  q = jax.random.normal(jax.random.key(0), (2, 8, 2, 4))
  half = attend(*[q.astype(jnp.bfloat16)] * 3)
  assert half.dtype == jnp.bfloat16
  np.testing.assert_allclose(half.astype(jnp.float32), attend(q, q, q), atol=0.06)
