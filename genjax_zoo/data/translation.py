"""Pairs of a user's images, an input and its target: in two folders, or side by side in one file.

As in pix2pix (Isola 2017, arXiv:1611.07004), whose sets are of the second kind.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import images
from genjax_zoo.data.cache import in_memory
from genjax_zoo.data.dataset import Dataset, Source, found_line, hold_out
from genjax_zoo.data.files import Layout, folder_of, layout
from genjax_zoo.data.folder import common_shape, pixels
from genjax_zoo.data.images import EXTENSIONS

SIDES = {"input": "image", "source": "image", "a": "image", "target": "target", "b": "target"}


def load(
  name: str,
  *,
  size: int | None = None,
  swap: bool = False,
  memory: int = 2**32,
  seed: int = 0,
) -> Dataset:
  """The pairs of `pairs:PATH`: "target", which is the main entry, and "image", the input.

  They are in sub-folders "input" and "target" (or "source" and "target", or "A" and "B"), a pair
  having one name; or side by side in one file, the input at the left. `swap` exchanges the two.
  Splits, `size` and `memory` as in `folder.load`. Raises UserError, naming the file, for one that
  has no partner.
  """
  root = folder_of(name)
  found = layout(name, root, EXTENSIONS)
  rows = {split: pairs_of(name, found, split) for split in found.files}
  if len(rows) == 1 and len(rows["train"]) < 2:
    raise UserError(f"{name}: one pair can't be split into train and test")
  inputs, targets = zip(*(row for pairs in rows.values() for row in pairs))
  entries = ("target", "image") if swap else ("image", "target")
  notes = found.notes
  if inputs == targets:
    shapes, read_both = side_by_side(name, inputs, size)
    notes.insert(0, f"side by side, the {entries[0]} at the left")
  else:
    shapes, read_both = in_folders(name, inputs, targets, size)

  def read(row):
    return dict(zip(entries, read_both(row)))

  shape = dict(zip(entries, shapes))
  fields = {k: Field(shape[k], np.uint8, 256, kind="image") for k in ("target", "image")}
  sources = {split: Source(pairs, read) for split, pairs in rows.items()}
  cached = f"{root.resolve().name}-{entries[0]}-first"
  splits = in_memory(sources, fields, cached, sorted({*inputs, *targets}), memory)
  splits = hold_out(splits, seed)
  line = found_line(name, fields, splits, drawn=len(rows) == 1, notes=notes)
  return Dataset(name, fields, splits, found=line)


def in_folders(name: str, inputs, targets, size: int | None) -> tuple:
  """(the shapes of both, (input file, target file) -> both images) of pairs in two folders."""
  shapes = [common_shape(name, list(paths), size) for paths in (inputs, targets)]

  def read(row):
    return [pixels(name, path, shape, size) for path, shape in zip(row, shapes)]

  return shapes, read


def side_by_side(name: str, paths, size: int | None) -> tuple:
  """As `in_folders`, of pairs in one file. Raises UserError for files that can't be two images."""
  whole = height, width, channels = common_shape(name, list(paths), None)
  if width % 2 or width <= height:
    raise UserError(
      f"{name}: {paths[0]} is {width} pixels wide and {height} high, no two images side by side; "
      "pairs may also be in the folders input and target"
    )

  def read(row):
    halves = np.split(pixels(name, row[0], whole, None), 2, 1)
    return [images.pixels(Image.fromarray(x.squeeze()), size) if size else x for x in halves]

  return [(size or height, size or width // 2, channels)] * 2, read


def pairs_of(name: str, found: Layout, split: str) -> list[tuple[Path, Path]]:
  """The (input, target) files of a split, in order of name; of images side by side, each twice."""
  files = found.files[split]
  sides = {"image": {}, "target": {}}  # {name of the pair: file}.
  for path, folder in files:
    side = SIDES.get((folder or "").lower())
    if side is None:
      continue
    pair = path.relative_to(found.folders[split] / folder).with_suffix("")
    if pair in sides[side]:
      raise UserError(f"{name}: {sides[side][pair]} and {path} have one name: keep one")
    sides[side][pair] = path
  inputs, targets = sides.values()
  if not inputs and not targets:
    return [(path, path) for path, _ in files]
  if beside := len(files) - len(inputs) - len(targets):
    raise UserError(
      f"{name}: {beside} images of {found.folders[split]} are neither in input nor in target"
    )
  check_partners(name, inputs, targets, "target")
  check_partners(name, targets, inputs, "input")
  return [(inputs[pair], targets[pair]) for pair in sorted(inputs)]


def check_partners(name: str, files: dict, partners: dict, what: str):
  """Raises UserError for a file without a partner of its name."""
  alone = [path for pair, path in files.items() if pair not in partners]
  if alone:
    raise UserError(
      f"{name}: {len(alone):,} of {len(files):,} files have no {what} of their name, first "
      f"{alone[0]}: add it, or take the file out"
    )
