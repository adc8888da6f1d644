"""Moving shapes, short videos with captions: "a red circle moves left"."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.drawing import COLOURS, Pose, cover, errors, paint, palette
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

FRAMES = 8
PATH = 1 / 2  # Of the width, in as many steps as there are frames.
CAPTION = ("a", "{colour}", "{shape}", "moves", "{direction}")
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
PALETTE = {name: COLOURS[name] for name in ("red", "green", "blue", "yellow")}
WORDS = {  # What a caption says for each value of a factor; nothing of the last three.
  "colour": tuple(PALETTE),
  "shape": ("circle", "square", "triangle"),
  "direction": tuple(DIRECTIONS),
  "size": ("",) * 4,
  "along": ("",) * 4,
  "across": ("",) * 16,
}
SIZES = dict(zip(WORDS, map(len, WORDS.values())))
WINDOW = 15 / 32  # The width of a crop about a centroid, which every shape fits into.


def start(direction, along, across):
  """Where the centre is in the first frame, (x, y) as fractions of the width.

  Halfway through a video of 8 frames it is in the middle, but for the shifts `along` and `across`.
  """
  move = jnp.array([*DIRECTIONS.values()], jnp.float32)[direction]
  back = (along - 1.5) / 32 - PATH / FRAMES * (FRAMES - 1) / 2
  aside = (across - 7.5) / 32
  x = 0.5 + back * move[0] + aside * abs(move[1])
  y = 0.5 + back * move[1] + aside * abs(move[0])
  return x, y


def moving_shapes(size: int = 32, frames: int = FRAMES) -> Factors:
  """12,288 videos [frames, size, size, 3] of a shape on black that moves by half of their width.

  In each of 8 frames it moves size / 16 pixels. The factors are colour, shape, direction, radius,
  and where on its line and on which line it moves; each of the 48 captions has 256 videos. It never
  leaves the frame. Raises UserError where the size is no multiple of twice the frames.
  """
  if frames < 2 or size % (2 * frames):
    raise UserError(
      f"data.size={size}: take a multiple of {2 * frames}, twice the {frames} frames: shapes move "
      "by whole pixels"
    )
  colours = palette(PALETTE)
  moves = jnp.array([*DIRECTIONS.values()]) * (size // (2 * frames))

  def one(factors):
    colour, _, direction, *_ = factors
    first = first_cover(factors, size)
    down_and_right = moves[direction, ::-1]
    covers = jax.vmap(lambda t: jnp.roll(first, t * down_and_right, (0, 1)))(jnp.arange(frames))
    return jax.vmap(paint, (0, None, None))(covers, colours[colour], jnp.zeros(3))

  vocabulary, tokens = caption_tokens(CAPTION, WORDS)
  return Factors(
    names=tuple(WORDS),
    sizes=tuple(SIZES.values()),
    render=jnp.vectorize(one, signature="(f)->(t,h,w,c)"),
    num_values=256,
    vocabulary=vocabulary,
    tokens=tokens,
    slots=slots(CAPTION),
    wanted=functools.partial(wanted_values, vocabulary, WORDS),
    nearest=functools.partial(nearest_videos, size=size, frames=frames),
  )


def first_cover(factors, size: int):
  """The cover of the first frame, [size, size], of factors [F]."""
  _, shape, direction, radius, along, across = factors
  pose = Pose(0.14 + 0.02 * radius, *start(direction, along, across))
  return cover(size, WORDS["shape"], shape, pose)


def trajectory(factors, size: int, frames: int = FRAMES) -> np.ndarray:
  """The centre (x, y) in each frame, in pixels, y down: float32 [N, T, 2] of factors [N, F]."""
  _, _, direction, _, along, across = jnp.asarray(factors).T
  first = jnp.stack(jax.vmap(start)(direction, along, across), -1)
  move = jnp.array([*DIRECTIONS.values()], jnp.float32)[direction] * (PATH / frames)
  moved = jnp.arange(frames)[None, :, None] * move[:, None]
  return size * np.asarray(first[:, None] + moved)


@functools.cache
def first_covers(size: int) -> np.ndarray:
  """All covers of a first frame, [shape, direction, size, along, across, pixels]."""
  sizes = [SIZES[name] for name in WORDS if name != "colour"]
  values = jnp.stack(jnp.unravel_index(jnp.arange(np.prod(sizes)), sizes), -1)
  factors = jnp.insert(values, 0, 0, 1)
  found = jax.lax.map(lambda f: first_cover(f, size), factors, batch_size=256)
  return np.asarray(found).reshape(*sizes, -1)


def nearest_videos(x, *, size: int, frames: int = FRAMES) -> np.ndarray:
  """Factors int32 [N, 6] of the video of `moving_shapes` nearest to x [N, frames, size, size, 3].

  All are compared, before they are rounded to integers: as a shape moves, so its error summed over
  the frames is that of the mean of the frames, each moved back by what the shape has moved.
  """
  colours = np.asarray(palette(PALETTE))
  covers = first_covers(size).swapaxes(0, 1)
  sizes = [SIZES[name] for name in ("direction", "shape", "size", "along", "across", "colour")]

  def search(x):
    found = []
    for move, known in zip(DIRECTIONS.values(), covers):
      step = -size // (2 * frames) * np.array(move[::-1])
      back = [np.roll(x[:, t], t * step, (1, 2)) for t in range(frames)]
      mean = np.mean(back, 0, np.float32).reshape(len(x), -1, 3)
      found.append(errors(mean, known.reshape(-1, size**2), colours))
    best = np.stack(found, 1).reshape(len(x), -1).argmin(1)
    direction, shape, radius, along, across, colour = np.unravel_index(best, sizes)
    return np.stack([colour, shape, direction, radius, along, across], -1).astype(np.int32)

  return in_parts(search, np.asarray(x))


def load(
  name: str, *, size: int = 32, frames: int = FRAMES, examples: int = 5_000, seed: int = 0
) -> Dataset:
  """`examples` training videos of `moving_shapes(size, frames)` and a tenth as many to test.

  All are different. The entries are "video" uint8 [frames, size, size, 3], "tokens", the caption,
  "factors" int32 [6], and "trajectory" float32 [frames, 2], the centre (x, y) in pixels.
  """
  videos = moving_shapes(size, frames)
  splits = draw_numbers(name, videos.total, examples, seed)

  def more(factors):
    return {"trajectory": (Field((), np.float32), trajectory(factors, size, frames))}

  return rendered(name, videos, splits, entry="video", more=more, judge=judge_of(videos, size))


def judge_of(videos: Factors, size: int):
  """A judge by what is seen in the frames: (samples, given) -> {name: [N]}.

  Without a caption: "rmse", the distance to the nearest of all videos, root mean square in [0, 1],
  and "off_line", that of the centroids from uniform motion along a straight line, in pixels, both 0
  of real videos; "consistent", the share of frames that look alike, see `looks`. With one, given or
  sampled with the video: "colour", "shape" and "direction" agree with it; "all", all three do.
  Given first "frames" in place of it: "kept_colour", "kept_shape" and "kept_direction" are those of
  the frames.
  """

  def judge(samples, given):
    if "video" not in samples:
      return {}
    video = np.asarray(samples["video"])
    found, consistent, off_line = read(video, size)
    rmse = distance(videos, videos.nearest(video), video)
    measured = {"rmse": rmse, "off_line": off_line, "consistent": consistent}
    tokens = given.get("tokens", samples.get("tokens"))
    if tokens is not None and "frames" not in given:
      right = agreement(found, videos.wanted(tokens)[:, :3])
      measured |= dict(zip(videos.names, right.T)) | {"all": right.all(1)}
    if "frames" in given:
      before, _, _ = read(np.asarray(given["frames"]), size)
      measured |= kept(videos.names[:3], found, before)
    return {name: np.asarray(x, np.float32) for name, x in measured.items()}

  return judge


def read(video, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """(factors int [N, 3], consistent [N], off_line [N]) of videos [N, T, H, W, C], see `judge_of`.

  The factors are the colour, the shape and the direction.
  """
  seen = in_parts(functools.partial(looks, size=size), video)
  velocity, off_line = motion(centroids(video))
  direction = (velocity @ np.array([*DIRECTIONS.values()]).T).argmax(1)
  return np.c_[seen[:, :2], direction].astype(int), seen[:, 3], off_line


def centroids(video) -> np.ndarray:
  """The centroid (x, y) of what is bright in each frame, in pixels: [N, T, 2] of [N, T, H, W, C].

  Pixels up to a quarter of the brightest one are left out. A black frame has its middle.
  """
  bright = video.max(-1).astype(np.float64)
  bright = np.maximum(bright - bright.max((2, 3), keepdims=True) / 4, 0) + 1e-9
  grid = np.arange(bright.shape[-1]) + 0.5
  total = bright.sum((2, 3))
  x, y = bright.sum(2) @ grid, bright.sum(3) @ grid
  return np.stack([x, y], -1) / total[..., None]


def motion(centres) -> tuple[np.ndarray, np.ndarray]:
  """(velocity [N, 2] in pixels a frame, distance [N] in pixels) of centres [N, T, 2].

  The velocity is that of the least squares fit of uniform motion, the distance the root mean
  square one of the centres from it.
  """
  t = np.arange(centres.shape[1]) - (centres.shape[1] - 1) / 2
  around = centres - centres.mean(1, keepdims=True)
  velocity = (t[None, :, None] * around).sum(1) / (t**2).sum()
  rest = around - t[None, :, None] * velocity[:, None]
  return velocity, np.sqrt((rest**2).sum(-1).mean(1))


def looks(video, *, size: int) -> np.ndarray:
  """Colour, shape and size that fit the frames best, and the share that looks alike, [N, 4].

  The share is that of the most frequent of the frames' own nearest colour, shape and size. Each
  frame is cut out about its centroid and compared with all shapes cut out likewise, so that it does
  not matter how they move.
  """
  known, kinds = templates(size)
  colours = np.asarray(palette(PALETTE))
  frames = video.reshape(-1, *video.shape[2:])
  around = crops(frames, centroids(frames[None])[0]).reshape(len(frames), -1, 3)
  error = errors(around, known, colours).reshape(*video.shape[:2], -1)

  def kind(best):
    template, colour = np.divmod(best, len(colours))
    return np.concatenate([colour[..., None], kinds[template]], -1)

  each = kind(error.argmin(2))
  alike = (each[:, :, None] == each[:, None]).all(-1)
  return np.c_[kind(error.sum(1).argmin(1)), alike.mean(2).max(1)]


@functools.cache
def templates(size: int) -> tuple[np.ndarray, np.ndarray]:
  """All different covers, cut out about their centroids [K, P], and their (shape, size) [K, 2]."""
  covers = first_covers(size)
  shape, _, radius, *_ = np.indices(covers.shape[:-1]).reshape(5, -1)
  frames = covers.reshape(-1, size, size, 1)
  cut = crops(frames, centroids(frames[None])[0]).reshape(len(frames), -1)
  rows = np.unique(np.c_[shape, radius, cut], axis=0)
  kinds, covers = np.split(rows, [2], 1)
  return covers.astype(np.float32), kinds.astype(int)


def crops(frames, centres) -> np.ndarray:
  """Windows float32 [N, w, w, C] of frames [N, H, W, C] about the pixels of centres (x, y) [N, 2].

  What is outside the frame is black.
  """
  half = int(WINDOW * frames.shape[1]) // 2
  margin = (half, half)
  padded = np.pad(frames, ((0, 0), margin, margin, (0, 0))).astype(np.float32)
  corner = np.floor(centres + 1e-6).astype(int)  # Of the window, in the padded frame.
  windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * half + 1,) * 2, (1, 2))
  found = windows[np.arange(len(frames)), corner[:, 1], corner[:, 0]]
  return np.moveaxis(found, 1, -1)
