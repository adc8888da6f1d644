"""Coloured shapes with captions: "a small red heart at the top left on black"."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.drawing import (
  BACKGROUNDS,
  COLOURS,
  Pose,
  cover,
  errors,
  least_boxes,
  paint,
  palette,
)
from genjax_zoo.data.factors import (
  Factors,
  agreement,
  caption_tokens,
  distance,
  draw_numbers,
  in_parts,
  kept,
  rendered,
  slots,
  wanted_values,
)

CAPTION = ("a", "{size}", "{colour}", "{shape}", "at", "the", "{y}", "{x}", "on", "{background}")
WORDS = {  # What a caption says for each value of a factor.
  "shape": ("circle", "square", "triangle", "heart"),
  "colour": tuple(COLOURS),
  "size": ("small", "small", "large", "large"),
  "x": ("left",) * 4 + ("right",) * 4,
  "y": ("top",) * 4 + ("bottom",) * 4,
  "background": tuple(BACKGROUNDS),
}
SIZES = dict(zip(WORDS, map(len, WORDS.values())))
PLACED = ("shape", "size", "x", "y")  # The factors that the cover of an image depends on.
TRIPLE = ("shape", "colour", "background")
HELD_OUT = 7  # Of the 72 triples.


def pose_of(radius, x, y) -> Pose:
  """The pose of a size and a place."""
  place = lambda i: 0.24 + 0.03 * i + 0.31 * (i // 4)
  return Pose(0.11 + 0.03 * radius, place(x), place(y))


def coloured_shapes(size: int = 32, stroke: float = 0.0) -> Factors:
  """18,432 smooth images [size, size, 3], "a small red heart at the top left on black".

  A caption says less than the factors: "small" is two of four radii and "top left" 4 x 4 places. So
  each of the 576 captions (10 words of a vocabulary of 24) has 32 images, and an image given its
  caption is still random. With a `stroke`, a fraction of the width, shapes are outlines.
  """
  colours, grounds = palette(COLOURS), palette(BACKGROUNDS)

  def one(factors):
    shape, colour, radius, x, y, ground = factors
    share = cover(size, WORDS["shape"], shape, pose_of(radius, x, y), stroke)
    return paint(share, colours[colour], grounds[ground])

  def nearest(x):
    return nearest_shapes(x, covers(size, stroke), np.asarray(colours), np.asarray(grounds))

  vocabulary, tokens = caption_tokens(CAPTION, WORDS)
  return Factors(
    names=tuple(WORDS),
    sizes=tuple(SIZES.values()),
    render=jnp.vectorize(one, signature="(f)->(h,w,c)"),
    num_values=256,
    vocabulary=vocabulary,
    tokens=tokens,
    slots=slots(CAPTION),
    wanted=functools.partial(wanted_values, vocabulary, WORDS),
    nearest=nearest,
  )


@functools.cache
def covers(size: int, stroke: float = 0.0) -> np.ndarray:
  """All 1,024 covers, float32 [shape, size, x, y, pixels] with the first four axes in one."""
  sizes = [SIZES[name] for name in PLACED]
  values = jnp.stack(jnp.unravel_index(jnp.arange(np.prod(sizes)), sizes), -1)
  one = lambda v: cover(size, WORDS["shape"], v[0], pose_of(*v[1:]), stroke)
  return np.asarray(jax.lax.map(one, values, batch_size=256)).reshape(len(values), -1)


def covers_of(factors, size: int, stroke: float = 0.0) -> np.ndarray:
  """The covers [N, size, size] of factors [N, 6]."""
  columns = [list(WORDS).index(name) for name in PLACED]
  place = np.ravel_multi_index(factors[:, columns].T, [SIZES[name] for name in PLACED])
  return covers(size, stroke)[place].reshape(-1, size, size)


def nearest_shapes(x, known, colours, grounds) -> np.ndarray:
  """Factors int32 [N, 6] of the image nearest to x [N, H, W, C].

  All images are compared of `covers` in one of `colours` [M, C] on one of `grounds` [G, C], before
  they are rounded to integers.
  """

  def search(x):
    x = x.reshape(len(x), -1, x.shape[-1]).astype(np.float32)
    squares = []
    for ground in grounds:
      rest = x - ground[None, None]
      over = errors(rest, known, colours - ground[None])
      squares.append(over + (rest**2).sum((1, 2))[:, None, None])
    squares = np.stack(squares, -1)  # [N, covers, colours, grounds]
    best = squares.reshape(len(x), -1).argmin(1)
    place, colour, ground = np.unravel_index(best, squares.shape[1:])
    placed = np.unravel_index(place, [SIZES[name] for name in PLACED])
    found = dict(zip(PLACED, placed)) | {"colour": colour, "background": ground}
    return np.stack([found[name] for name in WORDS], -1).astype(np.int32)

  return in_parts(search, np.asarray(x))


def load(
  name: str,
  *,
  size: int = 32,
  examples: int = 15_000,
  unseen: bool = False,
  label: str = "",
  layout: bool = False,
  seed: int = 0,
) -> Dataset:
  """`examples` training images of `coloured_shapes(size)` and a tenth as many to test.

  All are different. The entries are "image", "factors" int32 [6] and "tokens", the caption; with
  the name of a factor as `label`, such as "colour", also "label": what a caption says of it. With
  `layout` also where the shape is: "segmentation" int32 [size, size] and "box" [4], see `layouts`.

  With `unseen` a tenth of the triples of shape, colour and background is in neither split, but
  makes the split "unseen", of as many images as the test split at most. Any two of the three values
  occur together in training. Raises UserError for too many or too few examples, or another label.
  """
  if label and label not in WORDS:
    raise UserError(f"data.label={label!r}: {name} have no such factor; take {', '.join(WORDS)}")
  images = coloured_shapes(size)
  pool = images.total
  if unseen:
    apart = held_out(images, seed)
    pool = np.flatnonzero(~apart)
  splits = draw_numbers(name, pool, examples, seed)
  if unseen:
    numbers = np.random.default_rng((seed, 1)).permutation(np.flatnonzero(apart))
    splits["unseen"] = numbers[: examples // 10]

  def more(factors):
    found = {"label": labels(label, factors)} if label else {}
    return found | (layouts(factors, size) if layout else {})

  return rendered(name, images, splits, more=more, judge=judge_of(images, label))


def held_out(images: Factors, seed: int) -> np.ndarray:
  """Whether each image is of an unseen triple, bool [total].

  The triples are taken in an order drawn by `seed`, each that shares no two values with those
  before it.
  """
  sizes = [SIZES[name] for name in TRIPLE]
  order = np.random.default_rng(seed).permutation(np.prod(sizes))
  taken = []
  for triple in np.stack(np.unravel_index(order, sizes), -1):
    if all((triple == other).sum() < 2 for other in taken):
      taken.append(triple)
    if len(taken) == HELD_OUT:
      break
  values = np.asarray(images.at(jnp.arange(images.total)))
  values = values[:, [images.names.index(name) for name in TRIPLE]]
  return (values[:, None] == np.stack(taken)[None]).all(-1).any(1)


def labels(factor: str, factors) -> tuple[Field, np.ndarray]:
  """The words for a factor as classes, and those int32 [N] of factors [N, F]."""
  words = tuple(dict.fromkeys(WORDS[factor]))
  classes = np.array([words.index(word) for word in WORDS[factor]], np.int32)
  field = Field((), np.int32, len(words), words, ordered=False)
  return field, classes[factors[:, list(WORDS).index(factor)]]


def segmentations(factors, size: int) -> np.ndarray:
  """What each pixel of images of factors [N, 6] is of: 0, the ground, or 1 + the shape's number.

  int32 [N, size, size]. A pixel is the shape's where it covers half of it or more.
  """
  shape = factors[:, list(WORDS).index("shape"), None, None]
  return np.where(covers_of(factors, size) >= 0.5, 1 + shape, 0).astype(np.int32)


def layouts(factors, size: int) -> dict[str, tuple[Field, np.ndarray]]:
  """The entries "segmentation" and "box" of images of factors [N, 6]."""
  maps = segmentations(factors, size)
  box = least_boxes(maps > 0)
  names = ("ground", *WORDS["shape"])
  of_maps = Field((), np.int32, len(names), names, ordered=False, kind="segmentation")
  units = dict(mean=tuple(map(float, box.mean(0))), sd=tuple(map(float, box.std(0))))
  return {"segmentation": (of_maps, maps), "box": (Field((), np.float32, **units), box)}


def placed_as_asked(found, given, size: int) -> dict[str, np.ndarray]:
  """How images of factors found [N, 6] agree with a given layout, {name: [N]}.

  "segmentation" is the overlap of the shape with that of the given map, over their union; "centre"
  is whether the centre of its box is within 2 pixels of that of the given box.
  """
  inside = segmentations(found, size) > 0
  agreed = {}
  if "segmentation" in given:
    asked = np.asarray(given["segmentation"]) > 0
    union = (inside | asked).sum((1, 2))
    agreed["segmentation"] = (inside & asked).sum((1, 2)) / union
  if "box" in given:
    apart = size * (centres(least_boxes(inside)) - centres(np.asarray(given["box"])))
    agreed["centre"] = (apart**2).sum(1) <= 2**2
  return agreed


def centres(boxes) -> np.ndarray:
  """The centres [N, 2] of boxes [N, 4]."""
  return (boxes[:, :2] + boxes[:, 2:]) / 2


def judge_of(images: Factors, label: str = ""):
  """A judge by the nearest of all images: (samples, given) -> {name: [N]}.

  "rmse" is the distance to it, root mean square in [0, 1]: 0 of real images. Of each factor it says
  whether its value is one that the caption allows, given or sampled with the image; "all", whether
  all are. "label" is agreement with a given label; and of the factors that the label is not about,
  "kept_..." whether they are those of a given image, as translation between labels should keep;
  "kept", whether all are. Captions sampled without an image are judged by the given one. A given
  layout is judged by `placed_as_asked`.
  """

  def judge(samples, given):
    image = samples.get("image", given.get("image"))
    if image is None:
      return {}
    found = images.nearest(image)
    measured = {"rmse": distance(images, found, image)}
    tokens = given.get("tokens", samples.get("tokens"))
    if tokens is not None:
      right = agreement(found, images.wanted(tokens))
      measured |= dict(zip(images.names, right.T)) | {"all": right.all(1)}
    if label and "label" in given:
      measured["label"] = labels(label, found)[1] == np.asarray(given["label"])
    # Of an image with holes, which is given with what is "known", nothing is read.
    if "image" in given and "image" in samples and "known" not in given:
      free = (label,) if "label" in given else ()
      measured |= kept(images.names, found, images.nearest(given["image"]), free)
    if {"segmentation", "box"} & set(given):
      measured |= placed_as_asked(found, given, image.shape[1])
    return {name: np.asarray(x, np.float32) for name, x in measured.items()}

  return judge
