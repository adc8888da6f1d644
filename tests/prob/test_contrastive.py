"""Contrastive learning: InfoNCE and retrieval of similarity matrices whose values are known."""

import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob.contrastive import first_of, info_nce, ranks

NONE = jnp.zeros((4, 4), bool)


def test_info_nce_of_equal_and_of_diagonal_similarities_in_closed_form():
  """Log B of no knowledge; log(1 + (B - 1) e^-s) where one's own is s above all others."""
  np.testing.assert_allclose(info_nce(jnp.full((4, 4), 2.5), NONE), math.log(4), rtol=1e-6)
  for s in 1.0, 5.0:
    expected = math.log(1 + 3 * math.exp(-s))
    np.testing.assert_allclose(info_nce(s * jnp.eye(4), NONE), expected, rtol=1e-5)


def test_info_nce_is_the_mean_of_both_directions():
  s = np.random.default_rng(0).normal(size=(4, 4)).astype("f4")
  rows = s - np.log(np.exp(s).sum(1, keepdims=True))
  columns = s - np.log(np.exp(s).sum(0, keepdims=True))
  expected = -(np.diag(rows) + np.diag(columns)) / 2
  np.testing.assert_allclose(info_nce(jnp.array(s), NONE), expected, rtol=1e-5)


def test_what_is_ignored_is_no_negative():
  """Two equal captions: the rest is as if the other were not there; one's own always counts."""
  s = np.random.default_rng(1).normal(size=(4, 4)).astype("f4")
  same = np.eye(4, dtype=bool)
  same[0, 1] = same[1, 0] = True
  found = info_nce(jnp.array(s), jnp.array(same))
  rows = np.log(np.exp(s[0, [0, 2, 3]]).sum())
  columns = np.log(np.exp(s[[0, 2, 3], 0]).sum())
  np.testing.assert_allclose(found[0], (rows + columns) / 2 - s[0, 0], rtol=1e-5)
  np.testing.assert_allclose(found[2:], info_nce(jnp.array(s), NONE)[2:], rtol=1e-5)
  np.testing.assert_allclose(info_nce(jnp.array(s), jnp.ones((4, 4), bool)), 0, atol=1e-6)


def test_ranks_count_what_is_as_similar_or_more():
  s = jnp.array([[3.0, 2, 1], [3, 2, 1], [3, 2, 1], [2, 2, 1]])
  own = jnp.array([[1, 0, 0], [0, 1, 0], [0, 1, 1], [1, 0, 0]]) > 0
  np.testing.assert_array_equal(ranks(s, own), [0, 1, 1, 1])
  constant = ranks(jnp.zeros((3, 3)), jnp.eye(3, dtype=bool))
  np.testing.assert_array_equal(constant, 2)  # A tie finds nothing.


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_the_probability_to_be_first_is_a_count_of_subsets(k):
  """Of all sets of k - 1 of 5 others, those without any of the `rank` better ones."""
  for rank in range(6):
    subsets = [set(s) for s in itertools.combinations(range(5), k - 1)]
    expected = np.mean([not s & set(range(rank)) for s in subsets])
    np.testing.assert_allclose(first_of(jnp.array([rank]), 5, k), expected, atol=1e-6)
  few = first_of(jnp.array([0, 1]), jnp.array([2, 2]), 64)  # Fewer than 64: all of them.
  np.testing.assert_allclose(few, [1, 0])
