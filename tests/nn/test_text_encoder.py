"""The text encoder: padding changes nothing, words see each other, and pooled is their mean."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.text_encoder import TextEncoder, masked_mean

NET = TextEncoder(9, 8, heads=2)
WORDS = jnp.array([[3, 5, 1, 0, 0, 0], [2, 8, 4, 4, 1, 6]])
PARAMS = NET.init(jax.random.key(0), WORDS)
apply = jax.jit(NET.apply)


def test_padding_changes_nothing():
  """Neither what stands in the padding nor how much of it there is reaches words and pooled."""
  moved = jax.tree.map(lambda x: x, PARAMS)
  table = moved["params"]["Embed_0"]["embedding"]
  moved["params"]["Embed_0"]["embedding"] = table.at[0, 0].add(1.0)
  sequence, pooled = apply(PARAMS, WORDS)
  other, other_pooled = apply(moved, WORDS)
  np.testing.assert_array_equal(sequence[0, :3], other[0, :3])
  np.testing.assert_array_equal(pooled, other_pooled)
  assert jnp.abs(sequence[0, 3:] - other[0, 3:]).max() > 0.01
  shorter = jax.tree.map(lambda x: x, PARAMS)
  shorter["params"]["place"] = shorter["params"]["place"][:3]
  short, short_pooled = NET.apply(shorter, WORDS[:1, :3])
  np.testing.assert_allclose(short, sequence[:1, :3], atol=1e-5)
  np.testing.assert_allclose(short_pooled, pooled[:1], atol=1e-5)


def test_every_word_and_its_place_is_seen_from_every_other():
  """It is bidirectional: the first word changes with the last."""
  sequence, pooled = apply(PARAMS, WORDS)
  changed, changed_pooled = apply(PARAMS, WORDS.at[1, -1].set(7))
  assert (jnp.abs(changed - sequence)[1].max(-1) > 1e-3).all()
  assert jnp.abs(changed_pooled - pooled)[1].max() > 1e-3
  _, swapped = apply(PARAMS, WORDS[:, jnp.array([1, 0, 2, 3, 4, 5])])
  assert (jnp.abs(swapped - pooled).max(-1) > 1e-5).all()


def test_pooled_is_the_mean_of_words_and_0_of_none():
  sequence, pooled = apply(PARAMS, WORDS)
  np.testing.assert_allclose(pooled[0], sequence[0, :3].mean(0), atol=1e-6)
  np.testing.assert_allclose(pooled[1], sequence[1].mean(0), atol=1e-6)
  assert not masked_mean(sequence, jnp.zeros((2, 6), bool)).any()
