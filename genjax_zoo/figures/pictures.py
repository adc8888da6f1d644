"""Arrays as pictures, uint8 [H, W, 3], and files of them."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

# A grid is at most so wide, and a small image enlarged to at most so much, in pixels.
WIDTH, TILE = 900, 128
BORDER, GRAY = 4, 128  # Between tiles; gray parts images that are white from those that are black.
SHOWN = 256  # Of so many images, at most, a batch's picture is made.


def unit(images, levels: int | None = None) -> np.ndarray:
  """Images as floats in [0, 1]: integers of `levels` gray levels divided by the highest, floats
  clipped.
  """
  x = np.asarray(images)
  x = x.astype(np.float32) if x.dtype.kind not in "iu" else x / np.float32((levels or 256) - 1)
  return np.clip(np.nan_to_num(x), 0, 1)


def colours(images) -> np.ndarray:
  """Floats in [0, 1], [N, H, W, C], as uint8 [N, H, W, 3]: RGB, RGBA over white, else the channels'
  mean as gray.
  """
  channels = images.shape[-1]
  if channels == 4:
    images = images[..., :3] * images[..., 3:] + (1 - images[..., 3:])
  elif channels != 3:
    images = np.repeat(images.mean(-1, keepdims=True), 3, -1)
  return np.round(255 * images).astype(np.uint8)


def fitting(width: int, most: int) -> int:
  """How many tiles of so many pixels a row can hold, 2 at least and `most` at most."""
  return min(most, max(2, (WIDTH - BORDER) // (width + BORDER)))


def grid(
  images, levels: int | None = None, columns: int | None = None, scale: int | None = None
) -> np.ndarray:
  """Images [N, H, W, C] as tiles of one picture, uint8 [H', W', 3], row by row.

  Integers are in [0, levels), floats in [0, 1]. Each is enlarged `scale` times, by nearest
  neighbour, and set in a border of BORDER pixels; by default the grid is as square, and the tiles
  as large, as WIDTH and TILE allow.
  """
  tiles = colours(unit(images, levels))
  n, _, w, _ = tiles.shape
  columns = columns or min(fitting(w, n), math.ceil(math.sqrt(n))) or 1
  rows = -(-n // columns)
  scale = scale or max(1, min(TILE, (WIDTH - BORDER) // columns - BORDER) // w)
  tiles = tiles.repeat(scale, 1).repeat(scale, 2)
  tiles = np.pad(
    tiles, ((0, rows * columns - n), (BORDER, 0), (BORDER, 0), (0, 0)), constant_values=GRAY
  )
  h, w = tiles.shape[1:3]
  picture = tiles.reshape(rows, columns, h, w, 3).swapaxes(1, 2).reshape(rows * h, columns * w, 3)
  return np.pad(picture, ((0, BORDER), (0, BORDER), (0, 0)), constant_values=GRAY)


def beside(*pictures, gap: int = 16) -> np.ndarray:
  """Pictures side by side on gray, uint8 [H, W, 3], `gap` pixels apart."""
  height = max(len(p) for p in pictures)
  pad = lambda p, left: np.pad(p, ((0, height - len(p)), (left, 0), (0, 0)), constant_values=GRAY)
  return np.concatenate([pad(p, gap if i else 0) for i, p in enumerate(pictures)], 1)


def clouds(points, size: int = TILE // 2) -> np.ndarray:
  """Point clouds [N, P, 3], the last axis up, as images [N, size, size, 1] in [0, 1]: the nearer,
  the brighter.
  """
  x = np.nan_to_num(np.asarray(points, np.float32))
  x = x - (x.max(1, keepdims=True) + x.min(1, keepdims=True)) / 2
  x = x / np.maximum(np.linalg.norm(x, axis=-1).max(1), 1e-6)[:, None, None]
  turn, tilt = np.radians((30, 20))
  across = x[..., 0] * np.cos(turn) + x[..., 1] * np.sin(turn)
  away = x[..., 1] * np.cos(turn) - x[..., 0] * np.sin(turn)
  up = x[..., 2] * np.cos(tilt) + away * np.sin(tilt)
  depth = away * np.cos(tilt) - x[..., 2] * np.sin(tilt)
  column, row = (
    np.round((1 + s * c) / 2 * (size - 1)).astype(int) for s, c in ((1, across), (-1, up))
  )
  images = np.zeros((len(x), size, size, 1), np.float32)
  np.maximum.at(images, (np.arange(len(x))[:, None], row, column, 0), 0.65 - 0.35 * depth)
  return images


def plot(draw, panels: int = 1, size: float = 4.5) -> np.ndarray:
  """What `draw(*axes)` plots on `panels` axes side by side, each `size` hundred pixels wide and
  high.
  """
  from matplotlib.backends.backend_agg import FigureCanvasAgg
  from matplotlib.figure import Figure

  # No pyplot: nothing global to close.
  figure = Figure(figsize=(size * panels, size), dpi=100, layout="compressed")
  canvas = FigureCanvasAgg(figure)
  draw(*figure.subplots(1, panels, squeeze=False)[0])
  canvas.draw()
  return np.array(canvas.buffer_rgba())[..., :3]


def show(batch: dict, fields: dict) -> np.ndarray | None:
  """A batch as a picture, by the shape of the first of `fields` that it has ("image" before
  others); None if unknown.

  Images and point clouds become a grid, points in the plane a scatter plot, single numbers a
  histogram, vectors and sequences a heat picture, an example a row.
  """
  names = sorted(
    (k for k in fields if k in batch and k != "mask"), key=lambda k: (k != "image", k == "label")
  )
  if not names:
    return None
  x, shape, levels = (
    np.asarray(batch[names[0]]),
    fields[names[0]].shape,
    fields[names[0]].num_values,
  )
  if len(shape) == 3 and shape[-1] in (1, 3, 4):
    return grid(x[:SHOWN], levels)
  if shape == (2,):
    return plot(lambda ax: (ax.scatter(*x.T, s=2), ax.set_aspect("equal")))
  if len(shape) == 2 and shape[-1] == 3:
    return grid(clouds(x[:SHOWN]))
  if math.prod(shape) == 1:
    return plot(lambda ax: (ax.hist(x.ravel(), bins=levels or 50), ax.set_xlabel(names[0])))
  if len(shape) <= 2:
    heat = x[:SHOWN].reshape(len(x[:SHOWN]), -1).astype(np.float32)
    return plot(lambda ax: ax.imshow(heat, aspect="auto", interpolation="nearest"))
  return None


def save(path, picture: np.ndarray):
  """Writes a picture as PNG, whole or not at all; makes its folder."""
  _write(path, lambda file: Image.fromarray(picture).save(file, format="PNG"))


def save_arrays(path, batch: dict):
  """Writes a dict of arrays as .npz, whole or not at all; makes its folder."""
  _write(path, lambda file: np.savez(file, **batch))


def _write(path, write):
  path = Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_name(f".{path.name}.tmp")
  with open(temporary, "wb") as file:
    write(file)
  temporary.replace(path)
