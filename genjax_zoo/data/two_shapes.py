"""Two shapes in one image with captions and layouts: "a red square left of a blue heart"."""

from collections.abc import Callable
import functools

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.drawing import COLOURS, Pose, cover, errors, least_boxes, palette
from genjax_zoo.data.factors import Factors, agreement, distance, draw_numbers, in_parts, rendered

SHAPES = ("circle", "square", "triangle", "heart")
RADII = (0.13, 0.19)
# An image has two captions, which name one shape or the other first; opposites are 2 apart.
RELATIONS = ("left of", "above", "right of", "below")
HEADS = tuple(name.split()[0] for name in RELATIONS)
OBJECT = {"shape": 4, "colour": 6, "size": 2, "along": 3, "across": 4}
KINDS = 4 * 6 * 2 * 3 * 4  # That one object can be.
FIRST, SECOND = slice(1, 6), slice(6, 11)  # Of factors [relation, *first, *second].
SAID = {"relation": [0], "shape": [1, 6], "colour": [2, 7]}
VOCABULARY = ("<pad>", "a", *COLOURS, *SHAPES, *HEADS, "of")
NUMBER = {word: i for i, word in enumerate(VOCABULARY)}
CLASSES = ("background", *SHAPES)


def two_shapes(size: int = 32) -> Factors:
  """Images [size, size, 3] of two shapes on black, each in its own half of the image.

  The factors are the relation of the first shape to the second, and of both their shape, colour,
  radius, and place along the direction of the relation and across it, at most 45 degrees off it.
  There are 294,912 images, each with two rows of factors: the other one names the second shape
  first. `nearest` gives that of "left of" and "above".
  """
  colours = palette(COLOURS)

  def one(factors):
    first, second = object_covers(factors, size)[..., None]
    light = lambda cover, colour: cover * colours[colour][None, None]
    return jnp.round(light(first, factors[2]) + light(second, factors[7])).astype(jnp.uint8)

  return Factors(
    names=("relation", *(f"{name}_{i}" for i in (1, 2) for name in OBJECT)),
    sizes=(len(RELATIONS), *OBJECT.values(), *OBJECT.values()),
    render=jnp.vectorize(one, signature="(f)->(h,w,c)"),
    num_values=256,
    vocabulary=VOCABULARY,
    tokens=tokens,
    wanted=wanted,
    nearest=functools.partial(nearest_images, size=size),
  )


def object_covers(factors, size: int) -> jax.Array:
  """The covers [2, size, size] of the first and the second shape of an image [F]."""
  relation = factors[0]
  far = relation >= 2  # The first shape is in the right or the lower half.
  first = object_cover(relation % 2, far, factors[FIRST], size)
  second = object_cover(relation % 2, ~far, factors[SECOND], size)
  return jnp.stack([first, second])


def object_cover(upright, far, one, size: int) -> jax.Array:
  """The cover [size, size] of one shape [5] in the near or the far half of an image.

  The halves are left and right, or top and bottom if `upright`.
  """
  shape, _, radius, along, across = one
  main = 0.25 + 0.5 * far + (along - 1) / 32
  side = 0.5 + 3 * (across - 1.5) / 32
  x, y = jnp.where(upright, side, main), jnp.where(upright, main, side)
  return cover(size, SHAPES, shape, Pose(jnp.array(RADII)[radius], x, y))


def tokens(factors) -> jax.Array:
  """Captions int32 [..., 8] of factors [..., F]: "above" and "below" leave the last place empty."""

  def word(words, column):
    numbers = jnp.array([NUMBER[word] for word in words], jnp.int32)
    return numbers[factors[..., column]]

  article = jnp.full(factors.shape[:-1], NUMBER["a"], jnp.int32)
  of = jnp.where(factors[..., 0] % 2 == 0, NUMBER["of"], 0)
  first = (article, word(COLOURS, 2), word(SHAPES, 1))
  second = (article, word(COLOURS, 7), word(SHAPES, 6))
  places = jnp.stack([*first, word(HEADS, 0), of, *second], -1)
  return jnp.take_along_axis(places, jnp.argsort(places == 0, -1, stable=True), -1)


def wanted(tokens) -> np.ndarray:
  """The values of each factor that captions [N, L] allow, bool [N, F, 6].

  The words of the first shape are those before the word for the relation, or up to the first shape
  where there is none. All values of a factor that no word is about are allowed.
  """
  tokens = np.asarray(tokens)
  isin = lambda words: np.isin(tokens, [NUMBER[word] for word in words])
  related = isin(HEADS)
  border = np.where(related.any(1), related.argmax(1), isin(SHAPES).argmax(1))
  first = np.arange(tokens.shape[1])[None] <= border[:, None]
  allowed = np.ones((len(tokens), 1 + 2 * len(OBJECT), len(COLOURS)), bool)

  def allow(column, words, where):
    numbers = np.array([NUMBER[word] for word in words])
    said = ((tokens[..., None] == numbers) & where[..., None]).any(1)
    allowed[:, column, : len(words)] = said | ~said.any(1, keepdims=True)

  allow(0, HEADS, np.ones_like(first))
  for where, start in ((first, FIRST.start), (~first, SECOND.start)):
    allow(start, SHAPES, where)
    allow(start + 1, tuple(COLOURS), where)
  return allowed


@functools.cache
def half_covers(size: int) -> np.ndarray:
  """All covers of one shape, [upright, far, shape, size, along, across, pixels]."""
  sizes = (2, 2, 4, 1, 2, 3, 4)
  values = jnp.stack(jnp.unravel_index(jnp.arange(np.prod(sizes)), sizes), -1)
  one = lambda v: object_cover(v[0], v[1], v[2:], size)
  covers = np.asarray(jax.lax.map(one, values, batch_size=128))
  return covers.reshape(2, 2, 4, 2, 3, 4, size**2)


def nearest_images(x, *, size: int) -> np.ndarray:
  """Factors int32 [N, 11] of the image of `two_shapes(size)` nearest to x [N, H, W, 3].

  All are compared, before they are rounded to integers: as the two shapes lie in halves of their
  own on black, the best two are the best one of each half.
  """
  colours = np.asarray(palette(COLOURS))
  known = half_covers(size)

  def search(x):
    x = x.reshape(len(x), -1, 3).astype(np.float32)
    every = errors(x, known.reshape(-1, size**2), colours)
    every = every.reshape(len(x), 2, 2, -1)  # [N, upright, far, shape, size, along, across, colour]
    upright = every.min(-1).sum(-1).argmin(-1)
    best = every.argmin(-1)[np.arange(len(x)), upright]
    shape, radius, along, across, colour = np.unravel_index(best, (4, 2, 3, 4, 6))
    first, second = np.moveaxis(np.stack([shape, colour, radius, along, across], -1), 1, 0)
    return np.c_[upright, first, second].astype(np.int32)

  return in_parts(search, np.asarray(x))


def other_way(factors) -> np.ndarray:
  """The same images, factors [N, 11], with their second shape named first."""
  relation = (factors[:, :1] + 2) % len(RELATIONS)
  return np.concatenate([relation, factors[:, SECOND], factors[:, FIRST]], 1)


def layout(factors, size: int) -> dict[str, np.ndarray]:
  """What is where in images [N, 11].

  "segmentation" int32 [N, size, size] has the class of each pixel, 0 for the background; "classes"
  int32 [N, 2] and "boxes" float32 [N, 2, 4] are those of the shapes in the caption's order, boxes
  as left, top, right, bottom in fractions of the width.
  """
  inside = jax.jit(jax.vmap(lambda f: object_covers(f, size) >= 0.5))
  inside = in_parts(lambda part: np.asarray(inside(part)), factors)
  classes = 1 + factors[:, SAID["shape"]]
  segmentation = (inside * classes[..., None, None]).sum(1)
  return {
    "segmentation": segmentation.astype(np.int32),
    "classes": classes.astype(np.int32),
    "boxes": least_boxes(inside),
  }


def load(name: str, *, size: int = 32, examples: int = 10_000, seed: int = 0) -> Dataset:
  """`examples` training images of `two_shapes(size)` and a tenth as many to test, all different.

  The entries are "image", "factors" int32 [11], "tokens", one of the two captions, drawn by `seed`,
  and the "segmentation", "classes" and "boxes" of `layout`.
  """
  images = two_shapes(size)
  rng = np.random.default_rng((seed, 1))

  def either_way(number):
    upright, first, second = np.unravel_index(number, (2, KINDS, KINDS))
    swapped = np.ravel_multi_index((upright + 2, second, first), (4, KINDS, KINDS))
    return np.where(rng.random(len(number)) < 0.5, swapped, number)

  numbers = draw_numbers(name, 2 * KINDS**2, examples, seed)
  splits = {split: either_way(number) for split, number in numbers.items()}
  fields = {
    "segmentation": Field((), np.int32, len(CLASSES), CLASSES, ordered=False),
    "classes": Field((), np.int32, len(CLASSES), CLASSES, ordered=False),
    "boxes": Field((), np.float32, kind="boxes"),
  }
  more = lambda factors: {k: (fields[k], x) for k, x in layout(factors, size).items()}
  return rendered(name, images, splits, more=more, judge=judge_of(images, size))


def judge_of(images: Factors, size: int) -> Callable:
  """A judge by the nearest of all images: (samples, given) -> {name: [N]}.

  "rmse" is the distance to it, root mean square in [0, 1]: 0 of real images. With a caption, given
  or sampled with the image, those of `said`. With a layout given, intersection over union with that
  of the nearest image: "segmentation", the mean over the shapes that occur in either; "boxes", the
  mean over the two boxes, in the better order. Captions sampled without an image are judged by the
  given one.
  """

  def judge(samples, given):
    image = samples.get("image", given.get("image"))
    if image is None:
      return {}
    found = images.nearest(image)
    measured = {"rmse": distance(images, found, image)}
    tokens = given.get("tokens", samples.get("tokens"))
    if tokens is not None:
      measured |= said(found, images.wanted(tokens))
    if "segmentation" in given or "boxes" in given:
      seen = layout(found, size)
    if "segmentation" in given:
      measured["segmentation"] = class_overlap(seen["segmentation"], given["segmentation"])
    if "boxes" in given:
      ways = seen["boxes"], seen["boxes"][:, ::-1]
      measured["boxes"] = np.maximum(*(box_overlap(way, given["boxes"]) for way in ways))
    return {name: np.asarray(x, np.float32) for name, x in measured.items()}

  return judge


def said(found, wanted) -> dict[str, np.ndarray]:
  """What of captions is true of images [N, 11], {name: bool [N]}; the two shapes have no order.

  "shape" and "colour": both are there. "binding": both shapes are in their colours. "relation": the
  shapes stand as the caption says, where each is the one that it resembles more. "all": all of it.
  """
  ways = np.stack([agreement(way, wanted) for way in (found, other_way(found))])  # [2, N, 11]
  both = {name: ways[..., columns].all(-1) for name, columns in SAID.items()}
  bound = both["shape"] & both["colour"]
  alike = ways[..., SAID["shape"] + SAID["colour"]].sum(-1)
  stands = both["relation"] & (alike == alike.max(0)[None])
  return {
    "shape": both["shape"].any(0),
    "colour": both["colour"].any(0),
    "binding": bound.any(0),
    "relation": stands.any(0),
    "all": (bound & both["relation"]).any(0),
  }


def class_overlap(a, b) -> np.ndarray:
  """Intersection over union [N] of maps of classes [N, H, W], the mean over those in either.

  The background, class 0, is left out.
  """
  classes = np.arange(1, len(CLASSES))[None, :, None, None]
  is_a = a[:, None] == classes
  is_b = np.asarray(b)[:, None] == classes
  shared = (is_a & is_b).sum((2, 3))
  union = (is_a | is_b).sum((2, 3))
  present = (union > 0).sum(1)
  return (shared / np.maximum(union, 1)).sum(1) / np.maximum(present, 1)


def box_overlap(a, b) -> np.ndarray:
  """Intersection over union [N] of boxes [N, 2, 4], the mean over the two."""
  area = lambda low, high: np.prod(np.maximum(high - low, 0), -1)
  low_a, high_a = np.split(np.asarray(a), 2, -1)
  low_b, high_b = np.split(np.asarray(b), 2, -1)
  shared = area(np.maximum(low_a, low_b), np.minimum(high_a, high_b))
  union = area(low_a, high_a) + area(low_b, high_b) - shared
  return (shared / np.maximum(union, 1e-9)).mean(1)
