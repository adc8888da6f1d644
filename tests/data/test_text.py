"""A user's text: lines are sentences, long ones in pieces, and every line comes back."""

import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import load
from genjax_zoo.data.text import in_pieces
from genjax_zoo.data.tokenizer import decode

LINES = [f"line {i}: a äß {'x' * i}y" for i in range(20)]


@pytest.mark.parametrize("vocabulary", [0, 300])
def test_lines_come_back_from_their_tokens(vocabulary, tmp_path):
  path = tmp_path / "a.txt"
  path.write_text("\n\n".join(LINES) + "\n", encoding="utf-8")
  dataset = load(f"text:{path}", vocabulary=vocabulary)
  assert {k: len(x["tokens"]) for k, x in dataset.splits.items()} == {"train": 18, "test": 2}
  field = dataset.fields["tokens"]
  tokens = np.concatenate([x["tokens"] for x in dataset.splits.values()])
  assert tokens.shape[1:] == field.shape and tokens.max() < field.num_values
  assert sorted(decode(field, tokens)) == sorted(LINES)


def test_long_lines_are_cut_and_nothing_is_lost():
  tokens = np.array([[1, 2, 3, 4, 5], [6, 7, 0, 0, 0]], np.int32)
  cut = in_pieces(tokens, 2)
  np.testing.assert_array_equal(cut, [[1, 2], [3, 4], [5, 0], [6, 7]])
  np.testing.assert_array_equal(in_pieces(tokens, 5), tokens)


def test_what_is_no_text_is_refused(tmp_path):
  path = tmp_path / "a.txt"
  path.write_bytes(b"\xff\xfe\x00")
  with pytest.raises(UserError, match="UTF-8"):
    load(f"text:{path}")
  path.write_text("one line")
  with pytest.raises(UserError, match="10 or more"):
    load(f"text:{path}")
