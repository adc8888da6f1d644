"""Batches as pictures: what is drawn of an entry follows its kind.

  kind          an example                             its tile
  image         integers or floats [H, W, C]           the image, with boxes drawn on it
  video         integers or floats [T, H, W, C]        frames in a row; `film` moves
  segmentation  classes [H, W]                         a colour for each class
  points        floats [P, 3]                          the cloud from two sides
  mesh          vertices [V, 3], a mask and "faces"    the mesh from two sides
  boxes         floats [K, 4], with "classes" [K]      drawn on the images: left, top, right and
                                                       bottom as fractions; no area: no box

Entries of an example are side by side in one tile: what was given, then what was made of it; a
"target" is the last. Words and names of classes are its caption. "image_a" and "image_b" are of two
domains whose examples are no pairs: each has a block of its own. Where nothing has a tile, `show`
plots the main entry: words as lines, points in the plane as a scatter plot, single numbers as a
histogram, other vectors and sequences as a heat map with a row for each example.
"""

import colorsys
import math

import numpy as np
from PIL import Image, ImageDraw

from genjax_zoo.core import Field
from genjax_zoo.data import tokenizer
from genjax_zoo.data.dataset import kind_of, main_entry
from genjax_zoo.data.mesh_files import write_obj
from genjax_zoo.data.mesh_tokens import decode
from genjax_zoo.data.solids import Mesh
from genjax_zoo.figures import space
from genjax_zoo.figures.pictures import (
  GRAY,
  TILE,
  beside,
  colours,
  enlarged,
  grid,
  plot,
  save,
  save_film,
  unit,
  written,
)

EXAMPLES = 256  # The most examples in a picture.
LINES = 32  # The most sentences.
FRAMES = 8  # The most frames of a video in a row,
FRAME = 48  # and the most pixels that one is enlarged to.


def show(batch: dict, fields: dict) -> np.ndarray | None:
  """A batch as a picture, uint8 [H, W, 3]; None where there is nothing to show."""
  present = [name for name in fields if name in batch and name != "mask"]
  known = {name: fields[name] for name in sorted(present, key=lambda name: name == "target")}
  rows = {name: np.asarray(batch[name])[:EXAMPLES] for name in batch}
  blocks = [tiles(rows, names, known) for names in domains(known) if drawable(names, known)]
  if blocks:
    texts = captions(rows, known)
    return beside(*(grid(block, 256, captions=texts) for block in blocks))
  return plotted(batch, known) if known else None


def film(batch: dict, fields: dict) -> np.ndarray | None:
  """A batch as moving pictures, uint8 [T, H, W, 3]: `show` of each frame; None without videos."""
  videos = [name for name in fields if name in batch and kind_of(fields[name]) == "video"]
  if not videos:
    return None
  still = {
    name: fields[name]._replace(shape=fields[name].shape[1:], kind="image") for name in videos
  }
  length = min(fields[name].shape[0] for name in videos)
  frame = lambda t: batch | {name: batch[name][:, t] for name in videos}
  return np.stack([show(frame(t), {**fields, **still}) for t in range(length)])


def save_shown(path, batch: dict, fields: dict) -> np.ndarray | None:
  """Writes `show` of a batch at `path`, a PNG, and returns it.

  Beside it are moving pictures of videos, a WebP, and whole meshes as a file of their own, an OBJ.
  """
  picture = show(batch, fields)
  if picture is not None:
    save(path, picture)
  frames = film(batch, fields)
  if frames is not None:
    save_film(path.with_suffix(".webp"), frames)
  if whole := whole_meshes(batch, fields):
    write_obj(path.with_suffix(".obj"), whole)
  return picture


def whole_meshes(batch: dict, fields: dict) -> list[Mesh]:
  """The meshes of a batch that has their vertices and their faces; [] of others."""
  named = [name for name in fields if name in batch and kind_of(fields[name]) == "mesh"]
  if not named or "faces" not in batch:
    return []
  rows = zip(batch[named[0]], batch[f"{named[0]}_mask"], batch["faces"])
  return [decode(*row) for row in rows]


def domains(names) -> list[list[str]]:
  """Names of entries, those of each domain together: they end in _a or _b, or have no domain."""
  found = {}
  for name in names:
    ending = name[-2:] if name.endswith(("_a", "_b")) else ""
    found.setdefault(ending, []).append(name)
  return list(found.values())


def drawable(names, fields) -> list[str]:
  """The entries that have tiles."""
  return [name for name in names if kind_of(fields[name]) in TILES]


def tiles(rows: dict, names, fields) -> np.ndarray:
  """A tile for each example, uint8 [N, H, W, 3]: its entries side by side, of about one height."""
  boxes = [rows[name] for name in names if kind_of(fields[name]) == "boxes"]
  parts = []
  for name in drawable(names, fields):
    kind = kind_of(fields[name])
    part = TILES[kind](name, rows, fields[name])
    for found in boxes if kind == "image" else []:
      part = boxed(part, found, rows.get("classes", np.ones(found.shape[:2], int)))
    parts.append(part)
  height = max(part.shape[1] for part in parts)
  parts = [enlarged(part, height // part.shape[1]) for part in parts]
  padding = lambda part: [(0, 0), (0, height - part.shape[1]), (0, 0), (0, 0)]
  padded = [np.pad(part, padding(part), constant_values=GRAY) for part in parts]
  return np.concatenate(padded, 2)


def images(name: str, rows: dict, field: Field) -> np.ndarray:
  """Images in colours, uint8 [N, H, W, 3]."""
  return colours(unit(rows[name], field.num_values))


def videos(name: str, rows: dict, field: Field) -> np.ndarray:
  """Some frames of each video in a row, uint8 [N, H, frames W, 3]."""
  x = rows[name]
  length, _, width, _ = x.shape[1:]
  chosen = np.linspace(0, length - 1, min(FRAMES, length)).round().astype(int)
  scale = max(1, FRAME // width)
  frames = [enlarged(colours(unit(x[:, t], field.num_values)), scale) for t in chosen]
  gap = [(0, 0), (0, 0), (1, 0), (0, 0)]
  return np.concatenate([frames[0], *(np.pad(f, gap, constant_values=GRAY) for f in frames[1:])], 2)


def segmentations(name: str, rows: dict, field: Field) -> np.ndarray:
  """Maps of classes in their colours, uint8 [N, H, W, 3]."""
  return palette(field.num_values)[rows[name]]


def clouds(name: str, rows: dict, field: Field) -> np.ndarray:
  """Point clouds, see `space.clouds`."""
  return space.clouds(rows[name])


def meshes(name: str, rows: dict, field: Field) -> np.ndarray:
  """Meshes of the entries of data/mesh_tokens.py, see `space.meshes`."""
  return space.meshes(rows[name], rows.get(f"{name}_mask"), rows.get("faces"))


TILES = {
  "image": images,
  "video": videos,
  "segmentation": segmentations,
  "points": clouds,
  "mesh": meshes,
}


def palette(n: int) -> np.ndarray:
  """n colours, uint8 [n, 3]: black, then hues far from those before them."""
  golden = (math.sqrt(5) - 1) / 2
  rgb = [colorsys.hsv_to_rgb(i * golden % 1, 0.65, 1.0 - 0.25 * (i % 2)) for i in range(1, n)]
  return np.round(255 * np.array([(0, 0, 0), *rgb])).astype(np.uint8)


def boxed(tiles: np.ndarray, boxes: np.ndarray, classes: np.ndarray) -> np.ndarray:
  """Images [N, H, W, 3], enlarged, with boxes [N, K, 4] in the colours of their classes [N, K]."""
  tiles = enlarged(tiles, max(1, TILE // tiles.shape[2]))
  _, height, width, _ = tiles.shape
  corners = np.round(boxes * np.array([width - 1, height - 1] * 2)).astype(int)
  outlines = palette(1 + int(classes.max(initial=1)))[classes]
  drawn = []
  for tile, of_tile, colours_of_tile in zip(tiles, corners.tolist(), outlines.tolist()):
    image = Image.fromarray(tile)
    for (left, top, right, bottom), colour in zip(of_tile, colours_of_tile):
      if left < right and top < bottom:
        box = left, top, right, bottom
        ImageDraw.Draw(image).rectangle(box, outline=tuple(colour), width=2)
    drawn.append(np.asarray(image))
  return np.reshape(drawn, tiles.shape)


def captions(rows: dict, fields) -> list[str]:
  """What words and names of classes say of each example; [] where there are none."""
  is_text = lambda name: fields[name].names and len(fields[name].shape) < 2
  named = [name for name in fields if is_text(name) and name != "classes"]  # Those of boxes.
  columns = [words(rows[name], fields[name]) for name in named]
  return [", ".join(filter(None, texts)) for texts in zip(*columns)]


def words(x, field: Field) -> list[str]:
  """The names of values [N] or [N, L], joined to one text for each example; 0 pads words."""
  if not field.shape:
    return [field.names[i] for i in x]
  return tokenizer.decode(field, x.reshape(len(x), -1))


def plotted(batch: dict, fields) -> np.ndarray | None:
  """A plot of the main entry, None if there is none for its shape."""
  name = main_entry(fields)
  field = fields[name]
  x = np.asarray(batch[name])
  if field.names and len(field.shape) == 1:
    return written(words(x[:LINES], field))
  if field.shape == (2,):
    return plot(scatter(x))
  if math.prod(field.shape) == 1:
    return plot(histogram(x, field.num_values, name))
  if len(field.shape) <= 2:
    heat = x[:EXAMPLES].reshape(len(x[:EXAMPLES]), -1).astype(np.float32)
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
