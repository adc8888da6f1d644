"""Arrays as pictures, uint8 [H, W, 3], and files of them."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from genjax_zoo.data.dataset import kind_of, main_entry

WIDTH = 900  # The most pixels that a grid is wide.
TILE = 128  # The most pixels that a small image is enlarged to.
BORDER = 4  # Pixels between tiles,
GRAY = 128  # in a gray that sets off white images and black ones.
EXAMPLES = 256  # The most examples in the picture of a batch.


def unit(images, num_values: int | None = None) -> np.ndarray:
  """Images as floats in [0, 1]: integers in [0, num_values) are scaled, floats are clipped."""
  x = np.asarray(images)
  if x.dtype.kind in "iu":
    x = x / np.float32((num_values or 256) - 1)
  else:
    x = x.astype(np.float32)
  return np.clip(np.nan_to_num(x), 0, 1)


def colours(images) -> np.ndarray:
  """Floats in [0, 1], [N, H, W, C], as uint8 [N, H, W, 3].

  Four channels are RGBA, over white; another number than three or four gives their mean as gray.
  """
  channels = images.shape[-1]
  if channels == 4:
    alpha = images[..., 3:]
    images = images[..., :3] * alpha + (1 - alpha)
  elif channels != 3:
    images = np.repeat(images.mean(-1, keepdims=True), 3, -1)
  return np.round(255 * images).astype(np.uint8)


def fitting(width: int, most: int) -> int:
  """How many tiles of `width` pixels fit in a row, at least 2 and at most `most`."""
  return min(most, max(2, (WIDTH - BORDER) // (width + BORDER)))


def grid(
  images, num_values: int | None = None, columns: int | None = None, scale: int | None = None
) -> np.ndarray:
  """Images [N, H, W, C] as tiles of one picture, uint8 [H', W', 3], row by row.

  Integers are in [0, num_values), floats in [0, 1]. Each image is enlarged `scale` times, by
  nearest neighbour, in a border of BORDER pixels; by default the grid is as square, and the tiles
  are as large, as WIDTH and TILE allow.
  """
  tiles = colours(unit(images, num_values))
  n, _, w, _ = tiles.shape
  columns = columns or min(fitting(w, n), math.ceil(math.sqrt(n))) or 1
  rows = -(-n // columns)
  scale = scale or max(1, min(TILE, (WIDTH - BORDER) // columns - BORDER) // w)
  tiles = tiles.repeat(scale, 1).repeat(scale, 2)
  padding = (0, rows * columns - n), (BORDER, 0), (BORDER, 0), (0, 0)
  tiles = np.pad(tiles, padding, constant_values=GRAY)
  h, w = tiles.shape[1:3]
  picture = tiles.reshape(rows, columns, h, w, 3).swapaxes(1, 2).reshape(rows * h, columns * w, 3)
  return np.pad(picture, ((0, BORDER), (0, BORDER), (0, 0)), constant_values=GRAY)


def beside(*pictures, gap: int = 16) -> np.ndarray:
  """Pictures side by side on gray, uint8 [H, W, 3], `gap` pixels apart."""
  height = max(len(p) for p in pictures)
  padded = []
  for i, picture in enumerate(pictures):
    padding = (0, height - len(picture)), (gap if i else 0, 0), (0, 0)
    padded.append(np.pad(picture, padding, constant_values=GRAY))
  return np.concatenate(padded, 1)


def clouds(points, size: int = TILE // 2) -> np.ndarray:
  """Point clouds [N, P, 3], the last axis up, as images [N, size, size, 1] in [0, 1].

  The nearer a point, the brighter.
  """
  x = np.nan_to_num(np.asarray(points, np.float32))
  x = x - (x.max(1, keepdims=True) + x.min(1, keepdims=True)) / 2
  radius = np.linalg.norm(x, axis=-1).max(1)
  x = x / np.maximum(radius, 1e-6)[:, None, None]
  turn, tilt = np.radians((30, 20))
  across = x[..., 0] * np.cos(turn) + x[..., 1] * np.sin(turn)
  away = x[..., 1] * np.cos(turn) - x[..., 0] * np.sin(turn)
  up = x[..., 2] * np.cos(tilt) + away * np.sin(tilt)
  depth = away * np.cos(tilt) - x[..., 2] * np.sin(tilt)
  column = np.round((1 + across) / 2 * (size - 1)).astype(int)
  row = np.round((1 - up) / 2 * (size - 1)).astype(int)
  images = np.zeros((len(x), size, size, 1), np.float32)
  np.maximum.at(images, (np.arange(len(x))[:, None], row, column, 0), 0.65 - 0.35 * depth)
  return images


def plot(draw, panels: int = 1, size: float = 4.5) -> np.ndarray:
  """The plot of `draw(*axes)` on `panels` axes side by side, each `size` hundred pixels square."""
  from matplotlib.backends.backend_agg import FigureCanvasAgg
  from matplotlib.figure import Figure

  # No pyplot: nothing global to close.
  figure = Figure(figsize=(size * panels, size), dpi=100, layout="compressed")
  canvas = FigureCanvasAgg(figure)
  draw(*figure.subplots(1, panels, squeeze=False)[0])
  canvas.draw()
  return np.array(canvas.buffer_rgba())[..., :3]


def show(batch: dict, fields: dict) -> np.ndarray | None:
  """A batch as a picture of its main entry, by the entry's kind; None if it has none to show.

  Images and point clouds become a grid, points in the plane a scatter plot, single numbers a
  histogram, vectors and sequences a heat map with a row for each example.
  """
  known = {k: field for k, field in fields.items() if k in batch and k != "mask"}
  if not known:
    return None
  name = main_entry(known)
  field = known[name]
  kind = kind_of(field)
  x = np.asarray(batch[name])
  first = x[:EXAMPLES]
  if kind == "image":
    return grid(first, field.num_values)
  if kind == "points":
    return grid(clouds(first))
  if field.shape == (2,):
    return plot(scatter(x))
  if math.prod(field.shape) == 1:
    return plot(histogram(x, field.num_values, name))
  if len(field.shape) <= 2:
    heat = first.reshape(len(first), -1).astype(np.float32)
    return plot(lambda ax: ax.imshow(heat, aspect="auto", interpolation="nearest"))
  return None


def scatter(points):
  """Paints points [N, 2] on axes of one scale."""

  def paint(ax):
    ax.scatter(*points.T, s=2)
    ax.set_aspect("equal")

  return paint


def histogram(numbers, bins: int | None, label: str):
  """Paints a histogram of numbers."""

  def paint(ax):
    ax.hist(numbers.ravel(), bins=bins or 50)
    ax.set_xlabel(label)

  return paint


def save(path, picture: np.ndarray):
  """Writes a picture as PNG, completely or not at all; makes its folder."""
  _write(path, lambda file: Image.fromarray(picture).save(file, format="PNG"))


def save_arrays(path, batch: dict):
  """Writes a dict of arrays as .npz, completely or not at all; makes its folder."""
  _write(path, lambda file: np.savez(file, **batch))


def _write(path, write):
  path = Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_name(f".{path.name}.tmp")
  with open(temporary, "wb") as file:
    write(file)
  temporary.replace(path)
