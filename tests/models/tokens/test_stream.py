"""The stream of tokens: entries there and back, what may stand where, and who sees whom."""

import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.tokens import _stream

WORDS = Field((3,), np.int32, 5, ordered=False)
CODES = Field((2, 4), np.int32, 7, ordered=False)
STREAM = _stream.stream({"tokens": WORDS, "codes": CODES})


def batch():
  rng = np.random.default_rng(0)
  return {
    "tokens": rng.integers(0, 5, (6, 3)).astype(np.int32),
    "codes": rng.integers(0, 7, (6, 2, 4)).astype(np.int32),
  }


def test_entries_come_back_from_the_stream():
  tokens = _stream.to_tokens(STREAM, batch())
  assert tokens.shape == (6, 11) and STREAM.values == 12
  np.testing.assert_array_equal(tokens[:, 3:], batch()["codes"].reshape(6, 8) + 5)
  found = _stream.from_tokens(STREAM, tokens, ("tokens", "codes"))
  for name, x in batch().items():
    np.testing.assert_array_equal(found[name], x)
  # Every token may stand where it does.
  assert np.take_along_axis(_stream.may_stand(STREAM)[None], np.asarray(tokens)[..., None], 2).all()


def test_a_place_sees_the_token_before_it():
  tokens = np.array([[3, 1, 4, 5, 6, 7, 8, 9, 10, 11, 5]])
  before = _stream.shifted(STREAM, tokens)
  np.testing.assert_array_equal(before[0], [12, 3, 1, 4, 5, 6, 7, 8, 9, 10, 11])


def test_what_is_unknown_is_hidden_for_that_example_alone():
  tokens = np.asarray(_stream.to_tokens(STREAM, batch()))
  known = np.array([1, 0, 1, 0, 1, 1])
  found = np.asarray(_stream.hidden(STREAM, tokens, "tokens", known))
  np.testing.assert_array_equal(found[known == 1], tokens[known == 1])
  assert (found[known == 0][:, :3] == 13).all()
  np.testing.assert_array_equal(found[:, 3:], tokens[:, 3:])


@pytest.mark.parametrize("pattern", _stream.PATTERNS)
def test_no_place_sees_a_later_one_and_all_see_the_words(pattern):
  mask = _stream.attends(STREAM, pattern)
  assert not np.triu(mask, 1).any()
  assert np.diagonal(mask).all()
  assert mask[3:, :3].all() and np.tril(np.ones((3, 3), bool))[mask[:3, :3]].all()


def test_patterns_see_their_row_their_column_and_their_neighbours():
  last = 3 + 7  # Row 1, column 3 of the codes; the token before it is always seen.
  sees = lambda pattern: (
    set(np.flatnonzero(_stream.attends(STREAM, pattern)[last]) - 3) - {-3, -2, -1}
  )
  assert sees("dense") == set(range(8))
  assert sees("row") == {4, 5, 6, 7}
  assert sees("column") == {3, 6, 7}
  assert sees("conv") == {2, 3, 6, 7}


def test_real_numbers_and_unknown_patterns_are_refused():
  with pytest.raises(UserError, match="real numbers"):
    _stream.stream({"z": Field((3,), np.float32)})
  with pytest.raises(UserError, match="dense, row, column, conv"):
    _stream.attends(STREAM, "spiral")
