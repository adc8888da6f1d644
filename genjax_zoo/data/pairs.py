"""Two pictures of the same coloured shapes: pairs to translate from, and domains without pairs."""

from collections.abc import Callable

import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.drawing import BACKGROUNDS, COLOURS, palette
from genjax_zoo.data.factors import (
  Factors,
  check_examples,
  distance,
  draw_numbers,
  kept,
  most_examples,
  render,
  rendered,
)
from genjax_zoo.data.shapes import coloured_shapes, covers, covers_of, nearest_shapes

STROKE = 0.05  # Of the width of an image: lines of 1.6 pixels at size 32.
LINES = ((255, 255, 255), (0, 0, 0), (0, 0, 0))  # On the black, grey and white ground.
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601.
NEAR = 40  # Gray levels, root mean square: nearer than that to a colour is that colour.
IMAGE = Field((), np.uint8, 256, kind="image")


def outlines(name: str, *, size: int = 32, examples: int = 10_000, seed: int = 0) -> Dataset:
  """Pairs of "image", an outline on its ground, and "target", the shape filled.

  The image says all but the colour: its lines are white on black, else black. There are `examples`
  pairs for training and a tenth as many to test, all different, with their "factors" int32 [6]; the
  main entry is the target. The judge is `judge_pairs`, of all factors but the colour.
  """
  lines = np.array(LINES, np.float32)
  grounds = np.asarray(palette(BACKGROUNDS))

  def draw(factors):
    share = covers_of(factors, size, STROKE)[..., None]
    ground = factors[:, -1]
    line = lines[ground][:, None, None]
    return np.round(share * line + (1 - share) * grounds[ground][:, None, None])

  read = lambda x: nearest_shapes(x, covers(size, STROKE), lines[:2], grounds)
  return paired(name, coloured_shapes(size), draw, read, examples, seed, free=("colour",))


def gray_shapes(name: str, *, size: int = 32, examples: int = 10_000, seed: int = 0) -> Dataset:
  """Pairs of "image", gray [size, size, 1], and "target", the same shape in colour.

  The gray level of each colour is another one, so that the image says everything. Otherwise as
  `outlines`; the judge is of all factors.
  """
  images = coloured_shapes(size)
  luma = lambda x: x @ np.array(LUMA, np.float32)[:, None]
  grounds = luma(np.asarray(palette(BACKGROUNDS)))
  colours = luma(np.asarray(palette(COLOURS)))
  read = lambda x: nearest_shapes(x, covers(size), colours, grounds)
  draw = lambda factors: np.round(luma(render(images, factors).astype(np.float32)))
  return paired(name, images, draw, read, examples, seed)


def paired(
  name: str,
  images: Factors,
  draw: Callable,
  read: Callable,
  examples: int,
  seed: int,
  free: tuple[str, ...] = (),
) -> Dataset:
  """Pairs of a "target" of `images` and an "image", `draw` of its factors, which `read` reads.

  The image does not say the factors in `free`.
  """
  images = images._replace(vocabulary=(), tokens=None)
  splits = draw_numbers(name, images.total, examples, seed)
  judge = judge_pairs(images, read, free)
  more = lambda factors: {"image": (IMAGE, draw(factors).astype(np.uint8))}
  return rendered(name, images, splits, entry="target", more=more, judge=judge)


def judge_pairs(images: Factors, read: Callable, free: tuple[str, ...]) -> Callable:
  """A judge of targets by the nearest of all: (samples, given) -> {name: [N]}.

  "rmse" is the distance to it, root mean square in [0, 1]: 0 of real targets. With the "image"
  given, "kept_..." says whether each factor is that of the image, but for those in `free`, "kept"
  whether all are. Where the shape has to be, "palette" is 1 if the mean colour is nearly one of the
  six, and "saturation" is its largest less its smallest channel, in [0, 1]: low of a gray
  compromise between colours, and of real targets as high as the colours are.
  """
  colours = np.asarray(palette(COLOURS))

  def judge(samples, given):
    if "target" not in samples:
      return {}
    target = np.asarray(samples["target"])
    found = images.nearest(target)
    measured = {"rmse": distance(images, found, target)}
    if "image" in given:
      source = read(given["image"])
      measured |= kept(images.names, found, source, free)
      fill = mean_colour(target, covers_of(source, target.shape[1]))
      squares = (fill[:, None] - colours[None]) ** 2
      measured["palette"] = squares.mean(2).min(1) < NEAR**2
      measured["saturation"] = np.ptp(fill, 1) / 255
    return {name: np.asarray(x, np.float32) for name, x in measured.items()}

  return judge


def mean_colour(x, share) -> np.ndarray:
  """The mean colour [N, 3] of images [N, H, W, 3] where a shape covers most, share [N, H, W]."""
  inside = share == share.max((1, 2), keepdims=True)
  total = (x * inside[..., None]).sum((1, 2))
  return total / inside.sum((1, 2))[:, None]


def two_renderings(name: str, *, size: int = 32, examples: int = 7_000, seed: int = 0) -> Dataset:
  """Two domains of the same shapes: "image_a", filled ones, and "image_b", their outlines.

  There are `examples` images of each for training, of different shapes: no image of one domain has
  its counterpart in the other. In the test split, a tenth as many, none of them in training, the
  two images of a row have the same factors. truth["factors"] holds the `Factors` of both, by entry.
  """
  domains = {"image_a": coloured_shapes(size), "image_b": coloured_shapes(size, STROKE)}
  total = domains["image_a"].total
  check_examples(name, examples, most_examples(total) // 2)
  numbers = draw_numbers(name, total, 2 * examples, seed)
  splits = {"train": {}, "test": {}}
  for (k, images), train in zip(domains.items(), np.split(numbers["train"], 2)):
    both = np.concatenate([train, numbers["test"][: examples // 10]])
    drawn = render(images, images.at(both))
    splits["train"][k], splits["test"][k] = np.split(drawn, [examples])
  fields = {k: IMAGE._replace(shape=splits["test"][k].shape[1:]) for k in domains}
  return Dataset(name, fields, splits, truth={"factors": domains}, judge=judge_domains(domains))


def judge_domains(domains: dict[str, Factors]) -> Callable:
  """A judge of translations by the nearest of all in each domain: (samples, given) -> {name: [N]}.

  Of each of "a" and "b" that is sampled, "rmse_a" is the distance to it, root mean square in [0,
  1]: 0 of real images. Given the other domain's image, "kept_..._a" says whether each factor is the
  same, "kept_a" whether all are.
  """

  def judge(samples, given):
    found = {k: images.nearest(samples[k]) for k, images in domains.items() if k in samples}
    measured = {}
    for entry, factors in found.items():
      images = domains[entry]
      end = entry.removeprefix("image")
      other = next(k for k in domains if k != entry)
      measured[f"rmse{end}"] = distance(images, factors, samples[entry])
      if other in given:
        same = kept(images.names, factors, domains[other].nearest(given[other]))
        measured |= {name + end: x for name, x in same.items()}
    return {name: np.asarray(x, np.float32) for name, x in measured.items()}

  return judge
