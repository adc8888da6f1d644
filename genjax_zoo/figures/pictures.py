"""Arrays as pictures, uint8 [H, W, 3], and files of them."""

from collections.abc import Sequence
import math
from pathlib import Path
import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH = 900  # The most pixels that a grid is wide.
TILE = 128  # The most pixels that a small image is enlarged to.
BORDER = 4  # Pixels between tiles,
GRAY = 128  # in a gray that sets off white images and black ones.
LINE = 14  # The height of a line of text,
LETTER = 6  # and the width that wrapping takes a letter to have.


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


def enlarged(tiles, scale: int) -> np.ndarray:
  """Images [N, H, W, C], `scale` times as large, by nearest neighbour."""
  return tiles.repeat(scale, 1).repeat(scale, 2)


def grid(
  images,
  num_values: int | None = None,
  columns: int | None = None,
  scale: int | None = None,
  captions: Sequence[str] = (),
) -> np.ndarray:
  """Images [N, H, W, C] as tiles of one picture, uint8 [H', W', 3], row by row.

  Integers are in [0, num_values), floats in [0, 1]. Each image is enlarged `scale` times, by
  nearest neighbour, in a border of BORDER pixels; by default the grid is as square, and the tiles
  are as large, as WIDTH and TILE allow. `captions`, if any, are written below them.
  """
  tiles = colours(unit(images, num_values))
  n, _, w, _ = tiles.shape
  columns = columns or min(fitting(w, n), math.ceil(math.sqrt(n))) or 1
  rows = -(-n // columns)
  scale = scale or max(1, min(TILE, (WIDTH - BORDER) // columns - BORDER) // w)
  tiles = enlarged(tiles, scale)
  if captions:
    tiles = captioned(tiles, captions)
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


def written(lines: Sequence[str], width: int | None = None) -> np.ndarray:
  """Lines of text, black on white, uint8 [H, W, 3], as wide as the longest or as `width`."""
  font = ImageFont.load_default(LINE - 3)
  longest = max(map(font.getlength, lines), default=0)
  image = Image.new("RGB", (width or math.ceil(longest) + 2 * BORDER, LINE * len(lines)), "white")
  for i, line in enumerate(lines):
    ImageDraw.Draw(image).text((BORDER // 2, LINE * i), line, fill="black", font=font)
  return np.asarray(image)


def captioned(tiles, captions: Sequence[str]) -> np.ndarray:
  """Images uint8 [N, H, W, 3] above their captions, in as many lines as the longest needs."""
  width = tiles.shape[2]
  wrapped = [textwrap.wrap(text, max(4, width // LETTER)) for text in captions]
  most = max(map(len, wrapped))
  lines = [text + [""] * (most - len(text)) for text in wrapped]
  return np.concatenate([tiles, [written(text, width) for text in lines]], 1)


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


def save(path, picture: np.ndarray):
  """Writes a picture as PNG, completely or not at all; makes its folder."""
  _write(path, lambda file: Image.fromarray(picture).save(file, format="PNG"))


def save_film(path, frames: np.ndarray, seconds: float = 0.2):
  """Writes frames uint8 [T, H, W, 3] as an endless animated WebP, completely or not at all.

  Each is shown for some `seconds`.
  """
  first, *others = map(Image.fromarray, frames)
  options = dict(append_images=others, duration=round(1000 * seconds), loop=0, lossless=True)
  _write(path, lambda file: first.save(file, format="WEBP", save_all=True, **options))


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
