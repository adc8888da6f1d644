"""Numbers of images drawn without replacement; captions of factors, and what they allow."""

import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data.factors import (
  agreement,
  caption_tokens,
  draw_numbers,
  slots,
  wanted_values,
)
from genjax_zoo.data.shapes import coloured_shapes
from genjax_zoo.data.tokenizer import captions, tokenize

WORDS = {"kind": ("cat", "dog"), "mood": ("calm", "calm", "wild"), "place": ("",) * 4}


@pytest.fixture(scope="module")
def shapes():
  return coloured_shapes(), None


def test_tokens_and_captions_are_inverse(shapes):
  images, _ = shapes
  tokens = images.tokens(images.at(jnp.arange(0, images.total, 97)))
  texts = captions(images.vocabulary, tokens)
  np.testing.assert_array_equal(tokenize(images.vocabulary, texts, 10), tokens)
  padded = tokenize(images.vocabulary, ["a red heart", ""], 5)
  assert padded.shape == (2, 5) and (padded[0] > 0).sum() == 3 and not padded[1].any()
  assert captions(images.vocabulary, padded) == ["a red heart", ""]


def test_captions_that_cannot_be_are_refused_with_the_reason(shapes):
  images, _ = shapes
  with pytest.raises(UserError, match=r"'rad'.*did you mean 'red'"):
    tokenize(images.vocabulary, ["a rad heart"], 10)
  with pytest.raises(UserError, match="3 words"):
    tokenize(images.vocabulary, ["a red heart"], 2)


def test_numbers_are_all_different_and_follow_from_the_seed():
  splits = draw_numbers("set", 110, 100, seed=0)
  assert len(splits["train"]) == 100 and len(splits["test"]) == 10
  assert sorted([*splits["train"], *splits["test"]]) == list(range(110))
  np.testing.assert_array_equal(splits["train"], draw_numbers("set", 110, 100, 0)["train"])
  assert not np.array_equal(splits["train"], draw_numbers("set", 110, 100, 1)["train"])
  pool = np.arange(1_000, 1_050)
  assert set(draw_numbers("set", pool, 20, 0)["train"]) <= set(pool)
  for examples in (9, 101):
    with pytest.raises(UserError, match=f"data.examples={examples}: take 10 to 100 of set"):
      draw_numbers("set", 110, examples, 0)


def test_what_a_caption_allows_are_the_values_that_have_its_words():
  """By hand: a caption says "calm" of two moods, nothing of the place."""
  vocabulary, tokens = caption_tokens(("a", "{mood}", "{kind}"), WORDS)
  factors = np.array([[1, 0, 3], [0, 2, 1]])
  said = tokens(jnp.asarray(factors))
  assert captions(vocabulary, said) == ["a calm dog", "a wild cat"]
  assert slots(("a", "{mood}", "{kind}")) == {"mood": (1,), "kind": (2,)}
  wanted = wanted_values(vocabulary, WORDS, said)
  sizes = [len(values) for values in WORDS.values()]
  allowed = [[set(np.flatnonzero(row[:n])) for row, n in zip(rows, sizes)] for rows in wanted]
  assert allowed == [[{1}, {0, 1}, {0, 1, 2, 3}], [{0}, {2}, {0, 1, 2, 3}]]
  assert agreement(factors, wanted).all()
  np.testing.assert_array_equal(
    agreement(factors[::-1], wanted), [[False, False, True], [False, False, True]]
  )
