"""A user's own image files, from a folder."""

from pathlib import Path

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.cache import in_memory
from genjax_zoo.data.dataset import SPLITS, Dataset, Source, hold_out
from genjax_zoo.data.images import EXTENSIONS, GRAY, decode, header


def load(name: str, *, size: int | None = None, memory: int = 2**32, seed: int = 0) -> Dataset:
  """The png, jpg and webp files of `folder:PATH`, gray if all are gray, else RGB (transparency is
  dropped).

  Sub-folders are classes, in order of name, and give "label". If the only sub-folders are "train",
  "test" and "validation", they are splits with the same layout inside; else a tenth, drawn by
  `seed`, is the test split. `size` crops and resizes; without it all shapes must agree. Sets over
  `memory` bytes stay on disk. Raises UserError naming the file that can't be read or has another
  shape.
  """
  root = Path(name.removeprefix("folder:")).expanduser()
  if not root.is_dir():
    raise UserError(f"{name}: there is no such folder")
  names = sorted(path.name for path in root.iterdir() if path.is_dir())
  split = "train" in names and set(names) <= SPLITS.keys()
  files = {SPLITS[n]: _files(root / n) for n in names} if split else {"train": _files(root)}
  for split, found in files.items():
    if len(found) < (2 if len(files) == 1 else 1):
      raise UserError(
        f"{name}: too few {'/'.join(e[1:] for e in EXTENSIONS)} files for {split!r}: {len(found)}"
      )
  classes = sorted({label for found in files.values() for _, label in found if label is not None})
  labelled = all(label is not None for found in files.values() for _, label in found)
  if classes and not labelled:
    odd = next(path for found in files.values() for path, label in found if label is None)
    raise UserError(
      f"{name}: {odd} lies beside the class folders {', '.join(classes)}: move it into one of them"
    )

  shape = _shape(name, [path for found in files.values() for path, _ in found], size)
  fields = {"image": Field(shape, np.uint8, 256)}
  if labelled:
    fields["label"] = Field((), np.int32, len(classes))

  def read(item):
    path, label = item
    example = {"image": _decode(name, path, shape, size)}
    return example | ({"label": np.int32(classes.index(label))} if labelled else {})

  sources = {split: Source(found, read) for split, found in files.items()}
  paths = [path for found in files.values() for path, _ in found]
  splits = in_memory(sources, fields, f"{root.resolve().name}-folder", paths, memory)
  return Dataset(name, fields, hold_out(splits, seed))


def _files(root):
  """The image files under a folder, in order of path, each with the name of its class folder or
  None.
  """
  found = sorted(
    path for path in root.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file()
  )
  parts = [path.relative_to(root).parts for path in found]
  return [(path, part[0] if len(part) > 1 else None) for path, part in zip(found, parts)]


def _shape(name, paths, size):
  """The (H, W, C) that all files share; UserError naming the first that differs or can't be read."""
  first, gray = None, True
  for path in paths:
    try:
      shape, mode = header(path)
    except (OSError, ValueError) as e:
      raise UserError(f"{name}: {path} can't be read as an image: {e}") from e
    first, gray = first or shape, gray and mode in GRAY
    if not size and shape != first:
      raise UserError(
        f"{name}: {path} is {shape}, expected {first} as {paths[0]}: make them agree or set data.size"
      )
  return ((size, size) if size else first) + ((1,) if gray else (3,))


def _decode(name, path, shape, size):
  """The pixels of a file whose first bytes were read before."""
  try:
    return decode(path, "L" if shape[-1] == 1 else "RGB", size)
  except (OSError, ValueError, SyntaxError) as e:
    raise UserError(f"{name}: {path} is damaged: {e}") from e
