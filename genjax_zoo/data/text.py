"""A user's own text: the lines of a file are sentences."""

from pathlib import Path

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.data import tokenizer
from genjax_zoo.data.dataset import Dataset, found_line, hold_out


def load(name: str, *, vocabulary: int = 500, length: int = 64, seed: int = 0) -> Dataset:
  """The lines of the file of `text:PATH` as "tokens" [L], L at most `length`; empty ones left out.

  Tokens are those of a BPE of at most `vocabulary`, or words in lower case if it is 0. A longer
  line becomes several sentences. A tenth of them, drawn by `seed`, is the test split. Raises
  UserError for a file that is no UTF-8 text, and for fewer than 10 lines.
  """
  path = Path(name.removeprefix("text:")).expanduser()
  try:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
  except (OSError, UnicodeDecodeError) as e:
    raise UserError(f"{name}: {path} can't be read as UTF-8 text: {e}") from e
  texts = [line.strip() for line in lines if line.strip()]
  if len(texts) < 10:
    raise UserError(f"{name}: {len(texts)} lines with text; take 10 or more, one for each sentence")
  field = tokenizer.field_of(texts, vocabulary)
  tokens = in_pieces(tokenizer.encode(field, texts), length)
  field = field._replace(shape=tokens.shape[1:], kind="tokens")
  splits = hold_out({"train": {"tokens": tokens}}, seed)
  fields = {"tokens": field}
  return Dataset(name, fields, splits, found=found_line(name, fields, splits, drawn=True))


def in_pieces(tokens: np.ndarray, length: int) -> np.ndarray:
  """Rows [N, L] cut into rows of `length`, without those of padding alone: [M, min(L, length)]."""
  whole = tokens.shape[1]
  if whole <= length:
    return tokens
  padded = np.pad(tokens, ((0, 0), (0, -whole % length)))
  rows = padded.reshape(-1, length)
  return rows[rows.any(1)]
