"""Encoders of captions: what padding and the places of words change, what lies between captions."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.text_encoder import PlacedWords, TextEncoder, masked_mean, word_weights

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


def test_a_caption_is_the_sum_of_a_vector_for_each_word_at_its_place():
  """Padding adds nothing, and between two captions lies the mean of theirs."""
  weights = word_weights(WORDS, 9)
  net = PlacedWords(4)
  params = net.init(jax.random.key(0), weights)
  table = params["params"]["Dense_0"]["kernel"].reshape(6, 8, 4)
  expected = [sum(table[i, w - 1] for i, w in enumerate(words) if w) for words in WORDS]
  np.testing.assert_allclose(net.apply(params, weights), jnp.stack(expected), atol=1e-5)
  between = net.apply(params, weights.mean(0, keepdims=True))[0]
  np.testing.assert_allclose(between, (expected[0] + expected[1]) / 2, atol=1e-5)


def test_a_vector_of_words_has_variance_1_at_first():
  words = jnp.tile(jnp.arange(1, 7)[None], (2, 1))
  weights = word_weights(words, 9)
  vector, _ = PlacedWords(4000).init_with_output(jax.random.key(0), weights)
  assert abs(vector[0].var() - 1) < 0.1
