"""Attention is that of `jax.nn`, and its derivatives are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn.attention import attend, attend_with_context


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


def by_loops(q, k, v, mask):
  """The softmax of one query, example and head after the other."""
  out = np.zeros((*q.shape[:3], v.shape[-1]))
  for b, t, n in np.ndindex(*q.shape[:3]):
    seen = np.flatnonzero(mask[b, t])
    weights = np.exp(k[b, seen, n] @ q[b, t, n] / q.shape[-1] ** 0.5)
    out[b, t, n] = weights @ v[b, seen, n] / weights.sum()
  return out


def test_masks_of_each_example_are_a_softmax_over_what_is_seen():
  rng = np.random.default_rng(0)
  q, k, v = (rng.normal(size=(2, length, 3, 4)) for length in (5, 7, 7))
  mask = rng.random((2, 5, 7)) < 0.5
  mask[..., 3] = True  # Every query sees a key.
  found = attend(*map(jnp.array, (q, k, v, mask)))
  np.testing.assert_allclose(found, by_loops(q, k, v, mask), rtol=1e-4, atol=1e-5)


def test_a_context_adds_keys_and_values_where_it_is_real():
  rng = np.random.default_rng(1)
  qkv, context = rng.normal(size=(2, 5, 3 * 6)), rng.normal(size=(2, 4, 2 * 6))
  real = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
  found = attend_with_context(jnp.array(qkv), jnp.array(context), jnp.array(real), heads=2)
  split = lambda a, parts: (p.reshape(2, -1, 2, 3) for p in np.split(a, parts, -1))
  q, k, v = split(qkv, 3)
  more_k, more_v = split(context, 2)
  mask = np.concatenate([np.ones((2, 5)), real], -1)[:, None].repeat(5, 1)
  expected = by_loops(q, np.concatenate([k, more_k], 1), np.concatenate([v, more_v], 1), mask)
  np.testing.assert_allclose(found, expected.reshape(2, 5, 6), rtol=1e-4, atol=1e-5)
  alone = attend_with_context(jnp.array(qkv), heads=2)
  np.testing.assert_allclose(alone[1], found[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("context", [False, True])
def test_causal_attention_sees_what_came_before_and_all_of_a_context(context):
  rng = np.random.default_rng(1)
  qkv = rng.normal(size=(2, 4, 9))
  more = rng.normal(size=(2, 3, 6)) if context else None
  real = np.array([[1, 1, 0], [1, 0, 1]]) if context else None
  found = attend_with_context(jnp.array(qkv), more, real, heads=1, causal=True)
  q, k, v = np.split(qkv, 3, -1)
  mask = np.broadcast_to(np.tri(4, dtype=bool), (2, 4, 4))
  if context:
    more_k, more_v = np.split(more, 2, -1)
    k, v = np.concatenate([k, more_k], 1), np.concatenate([v, more_v], 1)
    mask = np.concatenate([mask, np.broadcast_to(real[:, None] > 0, (2, 4, 3))], 2)
  expected = by_loops(*(a[:, :, None] for a in (q, k, v)), mask)[:, :, 0]
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
