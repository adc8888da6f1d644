"""Grids of tokens larger than those of training: a window of the trained size about each token.

A token at row i and column j of a grid of H x W is sampled given the window of h x w, the size of
training, that has (i, j) as near to its centre as it can and lies inside the grid (VQGAN, Esser
2021, arXiv:2012.09841, section 3.2, "sliding attention window"):

  top = clip(i - h // 2, 0, H - h),   left = clip(j - w // 2, 0, W - w)

What comes earlier in the stream, a caption, is seen from every window. Inside a window tokens are
in raster order, as in training; those of it that come later are not seen.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.models.tokens._stream import Stream, stream


def enlarged(s: Stream, names, grid: tuple[int, int]) -> Stream:
  """The stream whose one segment among `names`, the codes, has this grid.

  Raises UserError for several of them, and for a grid that is smaller than that of training.
  """
  fields = {segment.name: segment.field for segment in s.segments}
  if len(names) > 1:
    raise UserError(f"sample.grid is of one grid of codes, and these are {' and '.join(names)}")
  (name,) = names
  trained = fields[name].shape
  if len(grid) != 2 or grid[0] < trained[0] or grid[1] < trained[1]:
    raise UserError(
      f"sample.grid={tuple(grid)}: take (rows, columns), as many as in training, {trained}, or more"
    )
  return stream(fields | {name: fields[name]._replace(shape=tuple(grid))})


def corner(place: int, trained: int, whole: int) -> int:
  """The first row of the window of `trained` rows about a row of a `whole` grid."""
  return min(max(place - trained // 2, 0), whole - trained)


def windows(s: Stream, whole: Stream) -> tuple[np.ndarray, np.ndarray]:
  """(int [T_whole, T], int [T_whole]): the tokens in each token's window, and its place there."""
  numbers = np.arange(whole.length)
  inside = np.zeros((whole.length, s.length), int)
  places = np.zeros(whole.length, int)
  for small, large in zip(s.segments, whole.segments):
    (h, w), (rows, columns) = small.grid, large.grid
    own = numbers[large.places].reshape(rows, columns)
    for i, j in np.ndindex(rows, columns):
      top, left = corner(i, h, rows), corner(j, w, columns)
      token = own[i, j]
      inside[token] = window_of(s, whole, large.name, top, left)
      places[token] = small.start + (i - top) * w + j - left
  return inside, places


def window_of(s: Stream, whole: Stream, name: str, top: int, left: int) -> np.ndarray:
  """The tokens of the whole stream that the trained one has, with its window at a corner, [T]."""
  found = []
  for small, large in zip(s.segments, whole.segments):
    h, w = small.grid
    own = np.arange(whole.length)[large.places].reshape(large.grid)
    at = (top, left) if large.name == name else (0, 0)
    found.append(own[at[0] : at[0] + h, at[1] : at[1] + w].ravel())
  return np.concatenate(found)


def through_windows(s: Stream, whole: Stream, conditional: Callable) -> Callable:
  """The `conditional` of the whole stream, see `ancestral`, from that of the trained one."""
  inside, places = map(jnp.asarray, windows(s, whole))

  def one(carry, tokens, i):
    return conditional(carry, tokens[:, inside[i]], places[i])

  return one
