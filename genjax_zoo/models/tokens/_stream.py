"""Several entries of a batch, captions, labels, codes, as one sequence of tokens.

A stream is its segments one after the other: for DALL-E the words of a caption, then the codes of
an image in raster order. All have one vocabulary, in which each segment has its own range of
numbers, and after them two more: START stands before the first token, UNKNOWN for what is not
given.
"""

from collections.abc import Mapping
import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, UserError

PATTERNS = "dense", "row", "column", "conv"
CONV = 3  # Tokens of a side of the window of "conv".


class Segment(NamedTuple):
  """An entry of the stream: where its tokens stand and which numbers they have."""

  name: str
  field: Field
  start: int  # Of its tokens in the sequence.
  offset: int  # Of its values in the vocabulary.

  @property
  def length(self) -> int:
    """The number of its tokens."""
    return math.prod(self.field.shape)

  @property
  def places(self) -> slice:
    """Its tokens in the sequence."""
    return slice(self.start, self.start + self.length)

  @property
  def grid(self) -> tuple[int, int]:
    """Rows and columns of its tokens; what is no grid is one row."""
    shape = self.field.shape
    return shape if len(shape) == 2 else (1, self.length)


class Stream(NamedTuple):
  """Segments that together are a sequence of T tokens of V values."""

  segments: tuple[Segment, ...]

  @property
  def length(self) -> int:
    """T."""
    return sum(segment.length for segment in self.segments)

  @property
  def values(self) -> int:
    """V, without START = V and UNKNOWN = V + 1."""
    return sum(segment.field.num_values for segment in self.segments)


def stream(fields: Mapping[str, Field]) -> Stream:
  """The stream of some fields, in their order. Raises UserError for one without num_values."""
  segments, start, offset = [], 0, 0
  for name, field in fields.items():
    if not field.num_values:
      raise UserError(f"{name!r} are real numbers, and a sequence of tokens is of integers")
    segment = Segment(name, field, start, offset)
    segments.append(segment)
    start += segment.length
    offset += field.num_values
  return Stream(tuple(segments))


def to_tokens(s: Stream, batch: Mapping):
  """The sequence int32 [B, T] of the entries of a batch."""
  parts = []
  for segment in s.segments:
    x = jnp.asarray(batch[segment.name], jnp.int32)
    parts.append(x.reshape(len(x), -1) + segment.offset)
  return jnp.concatenate(parts, 1)


def from_tokens(s: Stream, tokens, names) -> dict:
  """The entries of these names, {name: [B, ...]}, of sequences [B, T]."""
  found = {}
  for segment in s.segments:
    if segment.name in names:
      x = tokens[:, segment.places] - segment.offset
      found[segment.name] = x.reshape(-1, *segment.field.shape).astype(segment.field.dtype)
  return found


def shifted(s: Stream, tokens):
  """The token before each place, START before the first, [B, T]."""
  return jnp.pad(tokens, ((0, 0), (1, 0)), constant_values=s.values)[:, :-1]


def hidden(s: Stream, tokens, name: str, known):
  """The sequence with UNKNOWN for all tokens of an entry where known [B] is 0."""
  segment = next(segment for segment in s.segments if segment.name == name)
  place = np.arange(s.length)
  own = (place >= segment.start) & (place < segment.start + segment.length)
  return jnp.where(own[None] & (known[:, None] == 0), s.values + 1, tokens)


def may_stand(s: Stream) -> np.ndarray:
  """Whether a value may stand at a place: those of the place's own segment, bool [T, V]."""
  allowed = np.zeros((s.length, s.values), bool)
  for segment in s.segments:
    values = slice(segment.offset, segment.offset + segment.field.num_values)
    allowed[segment.places, values] = True
  return allowed


def coordinates(s: Stream) -> np.ndarray:
  """(segment, row, column) of each place, int [T, 3]."""
  found = []
  for i, segment in enumerate(s.segments):
    rows, columns = segment.grid
    places = np.stack(np.mgrid[:rows, :columns], -1).reshape(-1, 2)
    found.append(np.concatenate([np.full((len(places), 1), i), places], 1))
  return np.concatenate(found)


def attends(s: Stream, pattern: str) -> np.ndarray:
  """Whether place i may attend to place j, bool [T, T]: j <= i, and within a segment the pattern.

  The input at place i is token i - 1, so that no output depends on its own token. All earlier
  segments are seen. Of its own, a grid, "dense" sees all, "row" and "column" its own row or column,
  and "conv" a window of 3 x 3, as in DALL-E (2102.12092, figure 11); the last token is always seen.
  """
  place = coordinates(s)
  segment, row, column = (np.abs(place[:, None, k] - place[None, :, k]) for k in range(3))
  match pattern:
    case "dense":
      near = np.ones((s.length, s.length), bool)
    case "row":
      near = row == 0
    case "column":
      near = column == 0
    case "conv":
      near = (row <= CONV // 2) & (column <= CONV // 2)
    case _:
      raise UserError(f"model.patterns: {pattern!r} is none of {', '.join(PATTERNS)}")
  i = np.arange(s.length)
  before = i[:, None] - i[None]
  grid = np.array([len(part.field.shape) == 2 for part in s.segments])[place[:, 0]]
  near |= (segment > 0) | ~grid[:, None] | (before <= 1)
  return near & (before >= 0)
