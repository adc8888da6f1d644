"""Tokens: text comes back from them, whatever it is, also in another process without the data."""

import json

import numpy as np
import pytest

from genjax_zoo import inputs
from genjax_zoo.core import UserError
from genjax_zoo.data import tokenizer
from genjax_zoo.data.tokenizer import captions, tokenize
from genjax_zoo.figures import kinds
from genjax_zoo.run import describe, fields_of, tuples

TEXTS = ["a small red heart", "a large blue heart", "two dogs in the snow 🐶", "日本の猫", ""] * 3
STRANGE = (
  "",
  " ",
  "  two  spaces, at both ends ",
  "family 👩‍👩‍👧‍👦 and flag 🇯🇵",
  "猫も杓子も",
  "e\u0301 o\u0308 ﷺ ａｂｃ",  # Combining marks, and what a normalisation would change.
  "\x00\x01\x1b\x7f\t\r\n\u200b\u2028",
  "<pad> <unk> [MASK] <|endoftext|>",  # What others reserve.
  "Ġ Ċ ▁ Ã¢",  # What stands for bytes in a vocabulary.
  "\U0010ffff\ufffd",
)


def long(field):
  """The field with room for any of these texts."""
  return field._replace(shape=(100,))


@pytest.fixture(scope="module")
def bpe():
  return tokenizer.bpe_field(TEXTS, 320)


def test_any_string_comes_back_from_its_bytes(bpe):
  tokens = tokenizer.encode(long(bpe), STRANGE)
  assert tokens.dtype == np.int32 and tokens.max() < bpe.num_values <= 320
  assert tokenizer.decode(long(bpe), tokens) == list(STRANGE)
  rng = np.random.default_rng(0)
  for _ in range(200):
    codes = rng.integers(0, 0x110000, 8)
    text = "".join(chr(c) for c in codes if not 0xD800 <= c < 0xE000)  # Surrogates are no text.
    assert tokenizer.decode(long(bpe), tokenizer.encode(long(bpe), [text])) == [text]


def test_padding_is_at_the_end_and_no_text_has_it(bpe):
  tokens = tokenizer.encode(bpe, TEXTS)
  lengths = (tokens > 0).sum(1)
  assert lengths.max() == bpe.shape[0]  # As long as the longest text.
  for row, length in zip(tokens, lengths):
    assert (row[:length] > 0).all() and not row[length:].any()
  assert lengths[4] == 0  # No caption.


def test_merges_shorten_the_texts_of_training_alone(bpe):
  known, unknown = "a small red heart", "qzv xkj wpf"
  lengths = (tokenizer.encode(long(bpe), [known, unknown]) > 0).sum(1)
  assert lengths[0] <= 6 and lengths[1] == len(unknown)
  assert len(bpe.names) == bpe.num_values and bpe.names[0] == "<pad>"


def test_a_run_s_fields_are_enough_to_tokenize(bpe):
  for field in (bpe, tokenizer.words_field(["a red heart"])):
    (saved,) = fields_of(tuples(json.loads(json.dumps(describe({"tokens": field}, 8))))).values()
    assert saved == field
    np.testing.assert_array_equal(
      tokenizer.encode(saved, ["a red heart"]), tokenizer.encode(field, ["a red heart"])
    )


def test_a_typed_caption_becomes_tokens(bpe):
  rows = inputs.rows({"tokens": "a red 🐶"}, {"tokens": long(bpe)}, 3)["tokens"]
  assert rows.shape == (3, 100)
  assert tokenizer.decode(long(bpe), rows) == ["a red 🐶"] * 3
  assert kinds.captions({"tokens": rows}, {"tokens": long(bpe)}) == ["a red 🐶"] * 3


def test_words(bpe):
  field = tokenizer.words_field(["A red  heart", "a BLUE circle on black"])
  assert field.names == ("<pad>", "a", "black", "blue", "circle", "heart", "on", "red")
  tokens = tokenizer.encode(field, ["a red heart", ""])
  np.testing.assert_array_equal(tokens, [[1, 7, 5, 0, 0], [0] * 5])
  assert tokenizer.decode(field, tokens) == ["a red heart", ""]
  np.testing.assert_array_equal(tokens, tokenize(field.names, ["a red heart", ""], 5))
  assert captions(field.names, tokens) == ["a red heart", ""]


def test_what_has_no_tokens_is_refused(bpe):
  words = tokenizer.words_field(["a red heart"])
  for field, text, message in (
    (words, "a green heart", "no word 'green' in the vocabulary, did you mean"),
    (words, "<pad> heart", "no word '<pad>'"),
    (words, "a a a a", "has 4 words or tokens, the model takes 3"),
    (bpe, "q" * 100, "has 100 words or tokens"),
  ):
    with pytest.raises(UserError) as e:
      tokenizer.encode(field, [text])
    assert message in str(e.value) and "\n" not in str(e.value)
  with pytest.raises(UserError, match=r"data\.vocabulary=100"):
    tokenizer.bpe_field(TEXTS, 100)
