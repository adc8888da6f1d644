"""Procedural images with known factors of variation: dSprites, and coloured shapes with captions.

Every image is a function of its factors, a row of indices: `images.render(images.at(index))`. The
data sets "dsprites" and "coloured_shapes" are random subsets of all images.
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
  """Images that are functions of F discrete factors, one image for each combination."""

  names: tuple[str, ...]
  sizes: tuple[int, ...]  # Number of values of each factor.
  render: Callable  # factors int [..., F] -> uint8 [..., H, W, C] in [0, num_values), pure JAX.
  num_values: int
  # Words of the captions; the first is padding, and all padding is no caption.
  vocabulary: tuple[str, ...] = ()
  tokens: Callable | None = None  # factors int [..., F] -> caption int32 [..., L], pure JAX.

  @property
  def total(self) -> int:
    """The number of images."""
    return math.prod(self.sizes)

  def at(self, index: jax.Array) -> jax.Array:
    """Factors int32 [..., F] of images by number [...] in [0, total); the last varies fastest."""
    return jnp.stack(jnp.unravel_index(index, self.sizes), -1).astype(jnp.int32)


# Whether (u, v), v pointing up, is inside a shape that fits into the unit circle about the origin.
INSIDE = {
  "square": lambda u, v: jnp.maximum(jnp.abs(u), jnp.abs(v)) <= 0.7,
  "ellipse": lambda u, v: u**2 + (v / 0.6) ** 2 <= 1,
  "heart": lambda u, v: in_heart(1.4 * u, 1.4 * v + 0.29),
  "circle": lambda u, v: u**2 + v**2 <= 0.8,
  "triangle": lambda u, v: (v >= -0.5) & (v <= 1 - math.sqrt(3) * jnp.abs(u)),
}


def in_heart(u, v):
  """Inside the sextic (u^2 + v^2 - 1)^3 = u^2 v^3, whose centroid is (0, 0.29)."""
  return (u**2 + v**2 - 1) ** 3 <= u**2 * v**3


class Pose(NamedTuple):
  """Where a shape is: lengths are fractions of the image's width, y points down."""

  radius: jax.Array
  x: jax.Array
  y: jax.Array
  angle: float | jax.Array = 0.0


def mask(size: int, shapes: Sequence[str], shape, pose: Pose) -> jax.Array:
  """Whether the centre of each pixel is inside shape number `shape` of `shapes`, [size, size]."""
  centres = (np.arange(size) + 0.5) / size
  right = (centres[None] - pose.x) / pose.radius
  up = (pose.y - centres[:, None]) / pose.radius
  cos, sin = jnp.cos(pose.angle), jnp.sin(pose.angle)
  u = cos * right + sin * up
  v = cos * up - sin * right
  return jnp.stack([INSIDE[name](u, v) for name in shapes])[shape]


def dsprites(size: int = 64) -> Factors:
  """dSprites (Matthey et al. 2017): 737,280 binary images [size, size, 1] of white shapes on black.

  This is a new rendering with the factors of the original file, their values and their order, not
  its pixels. As there, edges are not smoothed (a pixel is 1 if its centre is inside the shape), and
  the 40 orientations go from 0 to 2 pi, so that the last equals the first. Positions are one pixel
  apart at size 64. Smaller images are for quick runs: there the smallest rotations of small squares
  and ellipses don't change a pixel. The factor of the original that never varies, the colour, is
  left out.
  """
  shapes = ("square", "ellipse", "heart")
  scales = jnp.linspace(0.5, 1, 6)
  angles = jnp.asarray(np.linspace(0, 2 * np.pi, 40) % (2 * np.pi), jnp.float32)

  def one(factors):
    shape, scale, angle, x, y = factors
    place = lambda i: 0.5 + (i - 15.5) / 64
    pose = Pose(0.2 * scales[scale], place(x), place(y), angles[angle])
    return mask(size, shapes, shape, pose)[..., None].astype(jnp.uint8)

  names = ("shape", "scale", "orientation", "x", "y")
  render = jnp.vectorize(one, signature="(f)->(h,w,c)")
  return Factors(names, (3, 6, 40, 32, 32), render, num_values=2)


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
WORDS = {  # What a caption says for each value of a factor.
  "shape": ("circle", "square", "triangle", "heart"),
  "colour": tuple(COLOURS),
  "size": ("small", "small", "large", "large"),
  "x": ("left",) * 4 + ("right",) * 4,
  "y": ("top",) * 4 + ("bottom",) * 4,
  "background": tuple(BACKGROUNDS),
}
SMOOTH = 4  # Points a pixel along each axis, whose mean it is.


def coloured_shapes(size: int = 32) -> Factors:
  """18,432 smooth images [size, size, 3], "a small red heart at the top left on black".

  A caption says less than the factors: "small" is two of four radii and "top left" 4 x 4 places. So
  each of the 576 captions (10 words of a vocabulary of 24) has 32 images, and an image given its
  caption is still random.
  """
  colours = jnp.array([*COLOURS.values()], jnp.float32)
  grounds = jnp.array([*BACKGROUNDS.values()], jnp.float32)

  def one(factors):
    shape, colour, radius, x, y, ground = factors
    place = lambda i: 0.24 + 0.03 * i + 0.31 * (i // 4)
    pose = Pose(0.11 + 0.03 * radius, place(x), place(y))
    inside = mask(SMOOTH * size, WORDS["shape"], shape, pose)
    cover = inside.reshape(size, SMOOTH, size, SMOOTH).mean((1, 3))[..., None]
    foreground, background = colours[colour][None, None], grounds[ground][None, None]
    return jnp.round(cover * foreground + (1 - cover) * background).astype(jnp.uint8)

  vocabulary, tokens = caption_tokens()
  sizes = tuple(map(len, WORDS.values()))
  render = jnp.vectorize(one, signature="(f)->(h,w,c)")
  return Factors(tuple(WORDS), sizes, render, 256, vocabulary, tokens)


def caption_tokens() -> tuple[tuple[str, ...], Callable]:
  """The vocabulary of the captions, and factors int [..., F] -> tokens int32 [..., L]."""
  slots = [WORDS.get(word[1:-1], (word,)) for word in CAPTION]
  vocabulary = ("<pad>", *dict.fromkeys(word for slot in slots for word in slot))

  def tokens(factors):
    columns = []
    for word, slot in zip(CAPTION, slots):
      numbers = jnp.array([vocabulary.index(w) for w in slot], jnp.int32)
      if len(slot) > 1:
        value = factors[..., list(WORDS).index(word[1:-1])]
      else:  # A word that is the same in every caption.
        value = jnp.zeros(factors.shape[:-1], jnp.int32)
      columns.append(numbers[value])
    return jnp.stack(columns, -1)

  return vocabulary, tokens


def load_dsprites(name: str, *, size: int = 32, examples: int = 50_000, seed: int = 0) -> Dataset:
  """`examples` training images of `dsprites(size)` and a tenth as many to test, all different.

  The entry "factors" int32 [5] has their factors, and truth["factors"] is the `Factors`.
  """
  return subset(name, dsprites(size), examples, seed)


def load_coloured_shapes(
  name: str, *, size: int = 32, examples: int = 15_000, seed: int = 0
) -> Dataset:
  """As `load_dsprites`, of `coloured_shapes(size)`, with the "tokens" of the captions."""
  return subset(name, coloured_shapes(size), examples, seed)


def subset(name: str, factors: Factors, examples: int, seed: int) -> Dataset:
  """A data set of images drawn without replacement. Raises UserError for too many or too few."""
  n = examples + examples // 10
  if examples < 10 or n > factors.total:
    raise UserError(
      f"data.examples={examples}: {name} has {factors.total:,} images, "
      "a tenth more than that are drawn"
    )
  index = jnp.asarray(np.random.default_rng(seed).choice(factors.total, n, replace=False))
  values = factors.at(index)
  arrays = {"image": jax.lax.map(factors.render, values, batch_size=500), "factors": values}
  fields = {
    "image": Field((), np.uint8, factors.num_values, kind="image"),
    "factors": Field((), np.int32, max(factors.sizes)),
  }
  if factors.tokens:
    words = factors.vocabulary
    arrays["tokens"] = factors.tokens(values)
    fields["tokens"] = Field((), np.int32, len(words), words, ordered=False)
  arrays = {k: np.asarray(x) for k, x in arrays.items()}
  fields = {k: f._replace(shape=arrays[k].shape[1:]) for k, f in fields.items()}
  parts = {"train": slice(examples), "test": slice(examples, None)}
  splits = {split: {k: x[rows] for k, x in arrays.items()} for split, rows in parts.items()}
  return Dataset(name, fields, splits, truth={"factors": factors})


def captions(vocabulary: Sequence[str], tokens: np.ndarray) -> list[str]:
  """Tokens [N, L] as text, without the padding."""
  return [" ".join(vocabulary[t] for t in row if t) for row in np.asarray(tokens)]


def tokenize(vocabulary: Sequence[str], captions: Sequence[str], length: int) -> np.ndarray:
  """Tokens int32 [N, length] of captions, padded at the end.

  Raises UserError for an unknown word and for a caption that is too long.
  """
  tokens = np.zeros((len(captions), length), np.int32)
  for row, caption in zip(tokens, captions):
    words = caption.lower().split()
    unknown = [word for word in words if word not in vocabulary]
    if unknown:
      raise UserError(
        f"caption {caption!r}: no word {unknown[0]!r} in the vocabulary"
        f"{nearest(unknown[0], vocabulary)}; it has {', '.join(vocabulary[1:])}"
      )
    if len(words) > length:
      raise UserError(
        f"caption {caption!r} has {len(words)} words, the model takes {length}: shorten it"
      )
    row[: len(words)] = [vocabulary.index(word) for word in words]
  return tokens
