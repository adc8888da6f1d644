"""What a user's arrays become: the entry that each name stands for, its Field, and its numbers.

All functions take arrays of one entry as {name in the file: [N, ...]}, one for each split, and
return the converted ones in that order.
"""

from collections.abc import Mapping

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import table, tokenizer

# The kinds of entries, by name; an entry that has none is a condition, such as a label.
KINDS = {
  "image": "image",
  "target": "image",
  "image_a": "image",
  "image_b": "image",
  "video": "video",
  "x": "vector",
  "points": "points",
  "tokens": "tokens",
}
UNORDERED = "label", "tokens"
CHANNELS = 1, 3, 4


def entry(
  name: str, key: str, arrays: Mapping, levels: int | None, vocabulary: int = 0
) -> tuple[Field, list]:
  """(Field, arrays) of the entry `key`. Raises UserError for what can't be such an entry."""
  if len({x.shape[1:] for x in arrays.values()}) > 1:
    raise UserError(f"{name}: examples differ in shape: {shapes(arrays)}")
  if key == "label":
    return labels(name, arrays)
  if key == "tokens" and all(x.dtype.kind in "US" for x in arrays.values()):
    return captions(name, arrays, vocabulary)
  if any(x.dtype.kind in "US" for x in arrays.values()):
    raise UserError(f"{name}: {shapes(arrays)} is text; {key!r} must be numbers")
  if KINDS.get(key) in ("image", "video"):
    return images(name, KINDS[key], arrays, levels)
  if any(x.dtype.kind == "f" for x in arrays.values()):
    return reals(name, key, arrays)
  return integers(name, key, arrays)


def images(name: str, kind: str, arrays: Mapping, levels: int | None) -> tuple[Field, list]:
  """(Field, uint8 arrays) of images [N, H, W(, C)], or of video [N, T, H, W, C]."""
  for source, x in arrays.items():
    check_axes(name, source, x, kind)
    if x.dtype.kind == "f":
      scaled = f"{source} * 255" if x.size and np.nanmax(x) <= 1 else source
      raise UserError(
        f"{name}: {source} is {x.dtype}; images must be integers: save "
        f"({scaled}).round().astype(np.uint8)"
      )
  top = largest(name, arrays)
  num_values = levels or (2 if top <= 1 else 256)
  if top >= num_values or num_values > 256:
    advice = "; of 16 bits, save image // 256 as uint8" if top > 255 else ""
    raise UserError(
      f"{name}: images have values up to {top}, but must be in [0, {min(num_values, 256)}){advice}"
    )
  with_channels = [x[..., None] if x.ndim == 3 else x for x in arrays.values()]
  converted = [x.astype(np.uint8, copy=False) for x in with_channels]
  return Field(converted[0].shape[1:], np.uint8, num_values, kind=kind), converted


def check_axes(name: str, source: str, x: np.ndarray, kind: str):
  """Raises UserError, with the call that mends it, for images whose axes are in another order."""
  video = kind == "video"
  wanted = "[N, T, H, W, C]" if video else "[N, H, W] or [N, H, W, C]"
  wrong = f"{name}: {source} has shape {list(x.shape)}; it must be {wanted}"
  if x.ndim not in ((5,) if video else (3, 4)):
    raise UserError(wrong + square_advice(source, x))
  if 0 in x.shape[1:]:
    raise UserError(f"{wrong}, and has no pixels")
  if x.ndim == 3 or x.shape[-1] in CHANNELS:
    return
  if x.shape[-3] in CHANNELS:
    order = (0, 1, 3, 4, 2) if video else (0, 2, 3, 1)  # Channels came before rows.
  elif x.shape[-2] in CHANNELS and not video:
    order = (3, 0, 1, 2)  # Examples came last.
  else:
    return
  raise UserError(f"{wrong}: save {source}.transpose({', '.join(map(str, order))})")


def square_advice(source: str, x: np.ndarray) -> str:
  """The call that makes square images of rows [N, side^2]; "" for other arrays."""
  side = round(x.shape[1] ** 0.5) if x.ndim == 2 else 0
  if not side or side**2 != x.shape[1]:
    return ""
  return f": save {source}.reshape(-1, {side}, {side})"


def labels(name: str, arrays: Mapping) -> tuple[Field, list]:
  """(Field, int32 arrays [N]) of classes, from integers [N] or [N, 1], or from text.

  Raises UserError for other labels, and where most numbers up to the largest are no class.
  """
  flat = {k: x[:, 0] if x.ndim == 2 and x.shape[1] == 1 else x for k, x in arrays.items()}
  if any(x.ndim > 1 for x in flat.values()):
    advice = ": save label.argmax(1)" if all(map(one_hot, flat.values())) else ""
    raise UserError(f"{name}: labels must be integers [N], are {shapes(arrays)}{advice}")
  if any(x.dtype.kind in "US" for x in flat.values()):
    return named(flat)
  for source, x in flat.items():
    if x.dtype.kind == "f" and not (x == np.round(x)).all():
      raise UserError(f"{name}: labels must be integers [N], and {source} has others, or NaN")
  whole = {k: x.astype(np.int64) if x.dtype.kind == "f" else x for k, x in flat.items()}
  top = int(largest(name, whole))
  classes = len(np.unique(np.concatenate(list(whole.values()))))
  if top > 1 and top + 1 > 2 * classes:
    raise UserError(
      f"{name}: labels reach {top}, and only {classes} of these numbers occur: number the classes "
      "from 0 by numpy.unique(label, return_inverse=True)[1], or save their names"
    )
  converted = [x.astype(np.int32) for x in whole.values()]
  return Field((), np.int32, top + 1, ordered=False), converted


def named(arrays: Mapping) -> tuple[Field, list]:
  """(Field, int32 arrays [N]) of the names of classes, numbered in order of name."""
  texts = [x.astype(str) for x in arrays.values()]
  names = np.unique(np.concatenate(texts))
  converted = [np.searchsorted(names, x).astype(np.int32) for x in texts]
  return Field((), np.int32, len(names), tuple(map(str, names)), ordered=False), converted


def captions(name: str, arrays: Mapping, vocabulary: int) -> tuple[Field, list]:
  """(Field, tokens int32 [N, L]) of captions, text [N]; see `tokenizer.field_of`."""
  texts = {source: [str(text) for text in x.ravel()] for source, x in arrays.items()}
  for source, x in arrays.items():
    if x.ndim != 1:
      raise UserError(f"{name}: {source} has shape {list(x.shape)}; captions must be text [N]")
  field = tokenizer.field_of([text for rows in texts.values() for text in rows], vocabulary)
  return field, [tokenizer.encode(field, rows) for rows in texts.values()]


def one_hot(x: np.ndarray) -> bool:
  """Whether rows [N, K] are 0 but for one 1."""
  if x.ndim != 2 or x.dtype.kind not in "buif":
    return False
  return bool(((x == 0) | (x == 1)).all() and (x.sum(1) == 1).all())


def reals(name: str, key: str, arrays: Mapping) -> tuple[Field, list]:
  """(Field, float32 arrays) of real numbers; their units, of the training split, come later."""
  if key == "tokens":
    raise UserError(f"{name}: tokens must be integers, are {shapes(arrays)}")
  converted = table.to_float32(name, key, arrays)
  return Field(converted[0].shape[1:], np.float32, kind=KINDS.get(key, "")), converted


def integers(name: str, key: str, arrays: Mapping) -> tuple[Field, list]:
  """(Field, int32 arrays) of integers from 0 to the largest. Raises UserError for others."""
  top = int(largest(name, arrays))
  if top > np.iinfo(np.int32).max:
    raise UserError(f"{name}: {key!r} has values up to {top}, too large for int32")
  converted = [x.astype(np.int32) for x in arrays.values()]
  about = {"ordered": key not in UNORDERED, "kind": KINDS.get(key, "")}
  return Field(converted[0].shape[1:], np.int32, top + 1, **about), converted


def largest(name: str, arrays: Mapping):
  """The largest value. Raises UserError if integers are negative."""
  for key, x in arrays.items():
    if x.size and x.dtype.kind == "i" and x.min() < 0:
      raise UserError(
        f"{name}: {key} has negative values; "
        "integers must start at 0 (as floats they may be negative)"
      )
  return max((x.max() for x in arrays.values() if x.size), default=0)


def shapes(arrays: Mapping) -> str:
  """Names, types and shapes, for messages."""
  return ", ".join(f"{key} {x.dtype}{list(x.shape)}" for key, x in arrays.items()) or "nothing"


def notes_on(fields: Mapping[str, Field], train: Mapping[str, np.ndarray]) -> list[str]:
  """What of the training split may not be as meant: classes without examples, rounded columns."""
  notes = []
  if "label" in fields:
    absent = np.setdiff1d(np.arange(fields["label"].num_values), train["label"])
    if len(absent):
      notes.append(f"no training example of the class {', '.join(map(str, absent[:8]))}")
  if "x" in fields and fields["x"].sd:
    x = table.columns(train["x"])
    different = [len(np.unique(column)) for column in x.T]
    if 10 * min(different) < len(x):
      column = int(np.argmin(different))
      notes.append(f"column {column} of x has {min(different):,} different values: is it rounded?")
  return notes
