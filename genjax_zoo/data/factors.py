"""Procedural images with known factors of variation: dSprites drawn anew, and coloured shapes with
captions.

Every image is a function of its factors, a row of indices: `images.render(images.at(index))`. The
data sets "dsprites" and "coloured_shapes" are draws of them.
"""

from collections.abc import Callable, Sequence
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, UserError, nearest
from genjax_zoo.data.dataset import Dataset


class Factors(NamedTuple):
  """Images that are given by F discrete factors, of which each combination occurs once."""

  names: tuple[str, ...]
  sizes: tuple[int, ...]  # Levels of each factor.
  render: Callable  # factors int [..., F] -> uint8 [..., H, W, C] in [0, num_values), pure JAX
  num_values: int
  # Words of the captions; the first is padding, and all padding is no caption.
  vocabulary: tuple[str, ...] = ()
  tokens: Callable | None = None  # factors int [..., F] -> caption int32 [..., L], pure JAX

  @property
  def total(self) -> int:
    """The number of images."""
    return math.prod(self.sizes)

  def at(self, index: jax.Array) -> jax.Array:
    """Factors int32 [..., F] of the images numbered index [...] in [0, total), the last factor
    varying fastest.
    """
    return jnp.stack(jnp.unravel_index(index, self.sizes), -1).astype(jnp.int32)


# Whether (u, v), v pointing up, is inside a shape that fits into the unit circle about the origin.
INSIDE = {
  "square": lambda u, v: jnp.maximum(jnp.abs(u), jnp.abs(v)) <= 0.7,
  "ellipse": lambda u, v: u**2 + (v / 0.6) ** 2 <= 1,
  "heart": lambda u, v: _heart(1.4 * u, 1.4 * v + 0.29),
  "circle": lambda u, v: u**2 + v**2 <= 0.8,
  "triangle": lambda u, v: (v >= -0.5) & (v <= 1 - math.sqrt(3) * jnp.abs(u)),
}


def _heart(u, v):
  """The sextic (u^2 + v^2 - 1)^3 = u^2 v^3; its centroid is (0, 0.29)."""
  return (u**2 + v**2 - 1) ** 3 <= u**2 * v**3


def _draw(size: int, shapes: Sequence[str], shape, radius, x, y, angle=0.0) -> jax.Array:
  """Whether the centre of each pixel is inside: bool [size, size]. Lengths are shares of the width;
  y points down.
  """
  centres = (np.arange(size) + 0.5) / size
  right, up = (centres[None] - x) / radius, (y - centres[:, None]) / radius
  cos, sin = jnp.cos(angle), jnp.sin(angle)
  u, v = cos * right + sin * up, cos * up - sin * right
  return jnp.stack([INSIDE[name](u, v) for name in shapes])[shape]


def dsprites(size: int = 64) -> Factors:
  """dSprites (Matthey et al. 2017): a white square, ellipse or heart on black, 737,280 binary
  images [size, size, 1].

  This is a new rendering with the factors, levels and order of the original file, not its pixels.
  As there, nothing is smoothed (a pixel is 1 if its centre is inside the shape), and the 40
  orientations go from 0 to 2 pi, so that the last equals the first. Positions are one pixel apart
  at size 64. Small squares and ellipses show the least turns no longer: of 39 orientations 19
  squares of the smallest scale differ, 36 of the largest, and all hearts. Smaller sizes are for
  quick runs. The original's one colour is left out, as a factor that does not vary.
  """
  shapes = ("square", "ellipse", "heart")
  scales, angles = (
    jnp.linspace(0.5, 1, 6),
    jnp.asarray(np.linspace(0, 2 * np.pi, 40) % (2 * np.pi), jnp.float32),
  )

  def one(factors):
    shape, scale, angle, x, y = factors
    place = lambda i: 0.5 + (i - 15.5) / 64
    inside = _draw(size, shapes, shape, 0.2 * scales[scale], place(x), place(y), angles[angle])
    return inside[..., None].astype(jnp.uint8)

  names = ("shape", "scale", "orientation", "x", "y")
  return Factors(
    names, (3, 6, 40, 32, 32), jnp.vectorize(one, signature="(f)->(h,w,c)"), num_values=2
  )


COLOURS = {
  "red": (220, 40, 40),
  "green": (40, 170, 60),
  "blue": (50, 80, 220),
  "yellow": (240, 200, 30),
  "purple": (160, 60, 190),
  "cyan": (40, 200, 210),
}
BACKGROUNDS = {"black": (0, 0, 0), "grey": (128, 128, 128), "white": (255, 255, 255)}


CAPTION = ("a", "{size}", "{colour}", "{shape}", "at", "the", "{y}", "{x}", "on", "{background}")


def coloured_shapes(size: int = 32) -> Factors:
  """Coloured shapes with captions: 18,432 smooth images [size, size, 3], "a small red heart at the
  top left on black".

  A caption says less than the factors: "small" is two of four radii and "top left" 4 x 4 places. So
  each of the 576 captions (10 words of a vocabulary of 24) has 32 images, and an image given its
  caption is still random.
  """
  words = {
    "shape": ("circle", "square", "triangle", "heart"),
    "colour": tuple(COLOURS),
    "size": ("small", "small", "large", "large"),
    "x": ("left",) * 4 + ("right",) * 4,
    "y": ("top",) * 4 + ("bottom",) * 4,
    "background": tuple(BACKGROUNDS),
  }
  colours, grounds = (jnp.array([*c.values()], jnp.float32) for c in (COLOURS, BACKGROUNDS))
  smooth = 4  # Samples a pixel, along each axis.

  def one(factors):
    shape, colour, radius, x, y, ground = factors
    place = lambda i: 0.24 + 0.03 * i + 0.31 * (i // 4)
    inside = _draw(smooth * size, words["shape"], shape, 0.11 + 0.03 * radius, place(x), place(y))
    cover = inside.reshape(size, smooth, size, smooth).mean((1, 3))[..., None]
    colour, ground = colours[colour][None, None], grounds[ground][None, None]
    return jnp.round(cover * colour + (1 - cover) * ground).astype(jnp.uint8)

  slots = [words.get(word[1:-1], (word,)) for word in CAPTION]
  vocabulary = ("<pad>", *dict.fromkeys(word for slot in slots for word in slot))

  def tokens(factors):
    columns = []
    for word, slot in zip(CAPTION, slots):
      ids = jnp.array([vocabulary.index(w) for w in slot], jnp.int32)
      level = (
        factors[..., list(words).index(word[1:-1])]
        if len(slot) > 1
        else jnp.zeros(factors.shape[:-1], jnp.int32)
      )
      columns.append(ids[level])
    return jnp.stack(columns, -1)

  sizes, render = tuple(map(len, words.values())), jnp.vectorize(one, signature="(f)->(h,w,c)")
  return Factors(tuple(words), sizes, render, 256, vocabulary, tokens)


def load_dsprites(name: str, *, size: int = 32, examples: int = 50_000, seed: int = 0) -> Dataset:
  """`examples` training and a tenth as many test images of `dsprites(size)`, no two alike in their
  factors.

  "factors" int32 [5] are theirs, and truth["factors"] the `Factors`.
  """
  return _draws(name, dsprites(size), examples, seed)


def load_coloured_shapes(
  name: str, *, size: int = 32, examples: int = 15_000, seed: int = 0
) -> Dataset:
  """The same of `coloured_shapes(size)`, with "tokens" of the captions."""
  return _draws(name, coloured_shapes(size), examples, seed)


def _draws(name, factors, examples, seed):
  """A data set of images drawn without replacement."""
  n = examples + examples // 10
  if examples < 10 or n > factors.total:
    raise UserError(
      f"data.examples={examples}: {name} has {factors.total:,} images, a tenth more than that are drawn"
    )
  index = jnp.asarray(np.random.default_rng(seed).choice(factors.total, n, replace=False))
  levels = factors.at(index)
  arrays = {"image": jax.lax.map(factors.render, levels, batch_size=500), "factors": levels}
  fields = {
    "image": Field((), np.uint8, factors.num_values),
    "factors": Field((), np.int32, max(factors.sizes)),
  }
  if factors.tokens:
    arrays["tokens"] = factors.tokens(levels)
    fields["tokens"] = Field((), np.int32, len(factors.vocabulary))
  arrays = {k: np.asarray(x) for k, x in arrays.items()}
  fields = {k: f._replace(shape=arrays[k].shape[1:]) for k, f in fields.items()}
  parts = {"train": slice(examples), "test": slice(examples, None)}
  splits = {split: {k: x[rows] for k, x in arrays.items()} for split, rows in parts.items()}
  return Dataset(name, fields, splits, truth={"factors": factors})


def captions(vocabulary: Sequence[str], tokens: np.ndarray) -> list[str]:
  """The captions that tokens [N, L] stand for; padding is left out."""
  return [" ".join(vocabulary[t] for t in row if t) for row in np.asarray(tokens)]


def tokenize(vocabulary: Sequence[str], captions: Sequence[str], length: int) -> np.ndarray:
  """Tokens int32 [N, length] of captions, padded at the end; raises UserError on an unknown word
  and a long caption.
  """
  tokens = np.zeros((len(captions), length), np.int32)
  for row, caption in zip(tokens, captions):
    words = caption.lower().split()
    unknown = [word for word in words if word not in vocabulary]
    if unknown:
      raise UserError(
        f"caption {caption!r}: no word {unknown[0]!r} in the vocabulary{nearest(unknown[0], vocabulary)}; "
        f"it has {', '.join(vocabulary[1:])}"
      )
    if len(words) > length:
      raise UserError(
        f"caption {caption!r} has {len(words)} words, the model takes {length}: shorten it"
      )
    row[: len(words)] = [vocabulary.index(word) for word in words]
  return tokens
