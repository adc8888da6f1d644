"""Coloured solids on a ground, seen from any side: "a red cube"."""

from collections.abc import Callable
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import ray_casting
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.drawing import COLOURS, palette
from genjax_zoo.data.factors import (
  Factors,
  agreement,
  caption_tokens,
  distance,
  draw_numbers,
  in_parts,
  render,
  rendered,
  wanted_values,
)
from genjax_zoo.data.ray_casting import SHAPES, Objects, to_bytes

FLOOR = -0.6  # The height of the ground; cameras look at the origin.
RADII = (0.35, 0.5, 0.65)  # Half of an object's height and width.
AZIMUTHS = 36  # Steps of ten degrees.
ELEVATIONS = (10, 25, 40, 55)  # Degrees.
CAPTION = ("a", "{colour}", "{shape}")
WORDS = {  # What a caption says, or would say, for each value of a factor.
  "shape": tuple(SHAPES),
  "colour": tuple(COLOURS),
  "size": ("small", "medium", "large"),
  "azimuth": tuple(f"{10 * i} degrees" for i in range(AZIMUTHS)),
  "elevation": tuple(f"{e} degrees up" for e in ELEVATIONS),
}


def solid(shape, colour, radius) -> Objects:
  """The scene of one solid on the ground: a shape's number, a colour [3] in [0, 1], a radius []."""
  centre = jnp.stack([0.0, 0.0, FLOOR + radius])
  return Objects(shape[None], centre[None], jnp.full((1, 3), radius), jnp.zeros(1), colour[None])


def camera_of(azimuth, elevation):
  """The angles of a camera's factors, radians."""
  degrees = jnp.array(ELEVATIONS, jnp.float32)[elevation]
  return 2 * jnp.pi * azimuth / AZIMUTHS, jnp.pi * degrees / 180


def view(size: int, ground: bool, shape, colour, radius, azimuth, elevation):
  """The image uint8 [size, size, 3] of a solid of these factors from a camera at any angles."""
  colours = jnp.asarray(palette(COLOURS) / 255)
  scene = solid(shape, colours[colour], jnp.array(RADII)[radius])
  height = FLOOR if ground else None
  return to_bytes(ray_casting.render(scene, azimuth, elevation, size, ground=height))


def coloured_scenes(size: int = 32, ground: bool = True) -> Factors:
  """10,368 images [size, size, 3] of a solid of four shapes, six colours and three sizes.

  36 azimuths and 4 elevations of the camera. The light stands still in the scene, so that each side
  of a solid looks different. A caption tells shape and colour, 24 in all. Without `ground` the
  background is white.
  """

  def one(factors):
    *solid_factors, azimuth, elevation = factors
    return view(size, ground, *solid_factors, *camera_of(azimuth, elevation))

  vocabulary, tokens = caption_tokens(CAPTION, WORDS)
  return Factors(
    names=tuple(WORDS),
    sizes=tuple(map(len, WORDS.values())),
    render=ray_casting.few_at_once(one),
    num_values=256,
    vocabulary=vocabulary,
    tokens=tokens,
    wanted=functools.partial(wanted_values, vocabulary, WORDS),
    nearest=functools.partial(nearest_scenes, size, ground),
  )


@functools.cache
def every_scene(size: int, ground: bool) -> np.ndarray:
  """All images of `coloured_scenes`, uint8 [10368, size, size, 3]."""
  images = coloured_scenes(size, ground)
  return render(images, np.asarray(images.at(jnp.arange(images.total))))


def nearest_scenes(size: int, ground: bool, x) -> np.ndarray:
  """Factors int32 [N, 5] of the images nearest to x [N, size, size, 3], in squared error."""
  known = every_scene(size, ground).reshape(-1, 3 * size**2).astype(np.float32)
  norms = (known**2).sum(1)
  search = lambda x: (norms[None] - 2 * x.reshape(len(x), -1) @ known.T).argmin(1)
  number = in_parts(search, np.asarray(x, np.float32))
  return np.stack(np.unravel_index(number, [*map(len, WORDS.values())]), -1).astype(np.int32)


def view_psnr(size: int, ground: bool, x, wanted, camera) -> np.ndarray:
  """The PSNR, dB [N], of images beside the true ones of what captions want, from their cameras.

  `wanted` is bool [N, F, V], of `Factors.wanted`, and camera [N, 2]. Captions say no size: it is
  that of the size that fits best.
  """
  factors = wanted[:, :2].argmax(-1)
  draw = jax.jit(
    ray_casting.few_at_once(lambda row: view(size, ground, *row[:3].astype(int), *row[3:]))
  )
  found = []
  for radius in range(len(RADII)):
    rows = np.column_stack([factors, np.full(len(x), radius), camera]).astype(np.float32)
    found.append(psnr(in_parts(lambda part: np.asarray(draw(part)), rows), x))
  return np.max(found, 0)


def psnr(true, x) -> np.ndarray:
  """The PSNR of images uint8 [N, ...], dB [N], at most 100."""
  error = (np.subtract(true, x, dtype=np.float64) / 255) ** 2
  return -10 * np.log10(np.maximum(error.reshape(len(error), -1).mean(1), 1e-10))


def load(
  name: str, *, size: int = 32, examples: int = 5000, ground: bool = True, seed: int = 0
) -> Dataset:
  """`examples` training images of `coloured_scenes(size, ground)` and a tenth as many to test.

  All are different. The entries are "image", "factors" int32 [5], "tokens", the caption, and
  "camera" float32 [2], its azimuth and elevation in radians, as `prob.cameras` takes them. Raises
  UserError for too many or too few examples.
  """
  images = coloured_scenes(size, ground)
  splits = draw_numbers(name, images.total, examples, seed)
  return rendered(name, images, splits, more=cameras_of, judge=judge_of(images, size, ground))


def cameras_of(factors) -> dict:
  """The entry "camera" of factors [N, 5]."""
  angles = np.stack(camera_of(*jnp.asarray(factors[:, 3:]).T), -1)
  return {"camera": (Field((), np.float32, kind="camera"), angles.astype(np.float32))}


def judge_of(images: Factors, size: int, ground: bool) -> Callable:
  """A judge by the nearest of all images: (samples, given) -> {name: [N]}.

  "rmse" is the distance to it, root mean square in [0, 1]: 0 of real images. Of each factor it says
  whether its value is one that the caption, given or sampled with the image, allows; "all", whether
  all are. "view_psnr" is in dB, see there.
  """

  def judge(samples, given):
    if "image" not in samples:
      return {}
    found = images.nearest(samples["image"])
    rows = {**samples, **given}
    measured = {"rmse": distance(images, found, samples["image"])}
    if "tokens" in rows:
      wanted = images.wanted(rows["tokens"])
      right = agreement(found, wanted)[:, :2]
      measured |= {"shape": right[:, 0], "colour": right[:, 1], "all": right.all(1)}
      if "camera" in rows:
        image, camera = samples["image"], rows["camera"]
        measured["view_psnr"] = view_psnr(size, ground, image, wanted, camera)
    return {key: np.asarray(x, np.float32) for key, x in measured.items()}

  return judge


def random_scene(rng) -> Objects:
  """Four solids, one of each shape, of different colours and sizes, beside one another."""
  turn = rng.uniform(0, 2 * math.pi) + math.pi / 2 * np.arange(4)
  half = rng.uniform(0.2, 0.3, (4, 1)) * np.array([[1, 1, 1.0]])
  half[:, 2] *= rng.uniform(1, 2, 4)
  half[1, 2] = half[1, 0]  # A ball stays round.
  place = 0.6 * np.stack([np.cos(turn), np.sin(turn)], -1)
  centre = np.concatenate([place, FLOOR + half[:, 2:]], 1)
  colours = np.array([*COLOURS.values()])[rng.permutation(len(COLOURS))[:4]] / 255
  arrays = centre, half, rng.uniform(0, math.pi, 4), colours
  return Objects(jnp.arange(4), *(jnp.asarray(x, jnp.float32) for x in arrays))


def load_views(name: str, *, size: int = 32, examples: int = 200, seed: int = 0) -> Dataset:
  """`examples` views of one scene of four solids from known cameras, and a tenth more to test.

  `seed` draws the scene and the cameras, whose azimuths are uniform and whose elevations are 10 to
  60 degrees. The entries are "image" and "camera" float32 [2], its azimuth and elevation in
  radians: `prob.cameras.rays` has the rays of its pixels. truth["scene"] are the `Objects`,
  truth["render"] is (azimuth, elevation) -> uint8 [size, size, 3]. Raises UserError under 10.
  """
  if examples < 10:
    raise UserError(f"data.examples={examples}: take 10 or more, a tenth as many are for testing")
  rng = np.random.default_rng(seed)
  scene = random_scene(rng)
  n = examples + examples // 10
  angles = rng.uniform([0, math.radians(10)], [2 * math.pi, math.radians(60)], (n, 2))
  angles = angles.astype(np.float32)
  one = lambda azimuth, elevation: to_bytes(
    ray_casting.render(scene, azimuth, elevation, size, ground=FLOOR)
  )
  draw = jax.jit(ray_casting.few_at_once(lambda angles: one(*angles)))
  images = np.asarray(draw(angles))
  arrays = {"image": images, "camera": angles}
  fields = {
    "image": Field((size, size, 3), np.uint8, 256, kind="image"),
    "camera": Field((2,), np.float32, kind="camera"),
  }
  parts = {"train": slice(examples), "test": slice(examples, None)}
  splits = {split: {k: x[rows] for k, x in arrays.items()} for split, rows in parts.items()}
  return Dataset(name, fields, splits, truth={"scene": scene, "render": one})
