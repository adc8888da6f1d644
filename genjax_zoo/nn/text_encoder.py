"""Encoders of captions: a small bidirectional transformer of words, and a linear map of them."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.attention import attend


class TextEncoder(nn.Module):
  """Words [B, L], 0 is padding -> (sequence [B, L, width], pooled [B, width]).

  `depth` pre-norm transformer blocks; pooled is the mean over words, 0 of no words. A position
  attends to words and to itself, so that padding changes nothing.
  """

  vocabulary: int
  width: int
  depth: int = 2
  heads: int = 4

  @nn.compact
  def __call__(self, words):
    n, length = words.shape
    real = words > 0
    place = self.param("place", nn.initializers.normal(0.02), (length, self.width))
    h = nn.Embed(self.vocabulary, self.width)(words) + place[None]
    mask = real[:, None] | jnp.eye(length, dtype=bool)[None]
    heads = lambda a: a.reshape(n, length, self.heads, -1)
    for _ in range(self.depth):
      q, k, v = jnp.split(nn.Dense(3 * self.width)(nn.LayerNorm()(h)), 3, -1)
      attended = attend(heads(q), heads(k), heads(v), mask).reshape(h.shape)
      h += nn.Dense(self.width)(attended)
      h += nn.Dense(self.width)(nn.gelu(nn.Dense(4 * self.width)(nn.LayerNorm()(h))))
    sequence = nn.LayerNorm()(h)
    return sequence, masked_mean(sequence, real)


def masked_mean(sequence, real):
  """The mean of a sequence [B, L, E] where `real` [B, L] is true, [B, E]; 0 where nowhere is."""
  total = (sequence * real[..., None]).sum(1)
  return total / jnp.maximum(real.sum(1), 1)[:, None]


def word_weights(words, vocabulary: int):
  """Words [B, L], 0 is padding -> their weights [B, L, vocabulary - 1]: 1 for a word, 0 of none.

  The mean of two captions' weights is a caption between them.
  """
  return jax.nn.one_hot(words - 1, vocabulary - 1)


class PlacedWords(nn.Module):
  """Weights of words [B, L, V] -> [B, width]: the sum of a vector for each word at each place.

  It is linear, so that what lies between two captions is made into what lies between their vectors.
  At first the vector of L words has variance 1.
  """

  width: int

  @nn.compact
  def __call__(self, weights):
    n, length, _ = weights.shape
    scale = nn.initializers.normal(length**-0.5)
    return nn.Dense(self.width, use_bias=False, kernel_init=scale)(weights.reshape(n, -1))
