"""A user's own image files, from a folder."""

from pathlib import Path

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.cache import in_memory
from genjax_zoo.data.dataset import SPLITS, Dataset, Source, hold_out
from genjax_zoo.data.images import EXTENSIONS, GRAY, decode, header


def load(name: str, *, size: int | None = None, memory: int = 2**32, seed: int = 0) -> Dataset:
  """The png, jpg and webp files of `folder:PATH`: gray if all are gray, else RGB without alpha.

  Sub-folders are classes, in order of name, and give "label". If the only sub-folders are "train",
  "test" and "validation", they are splits with the same layout inside; else a tenth, drawn by
  `seed`, is the test split. `size` crops and resizes; without it all shapes must agree. Sets over
  `memory` bytes stay on disk. Raises UserError naming the file that can't be read or has another
  shape.
  """
  root = Path(name.removeprefix("folder:")).expanduser()
  if not root.is_dir():
    raise UserError(f"{name}: there is no such folder")
  files = files_of_splits(name, root)
  pairs = [pair for found in files.values() for pair in found]
  classes = class_names(name, pairs)
  paths = [path for path, _ in pairs]
  shape = common_shape(name, paths, size)
  fields = {"image": Field(shape, np.uint8, 256, kind="image")}
  if classes:
    fields["label"] = Field((), np.int32, len(classes), tuple(classes), ordered=False)

  def read(item):
    path, label = item
    example = {"image": pixels(name, path, shape, size)}
    if classes:
      example["label"] = np.int32(classes.index(label))
    return example

  sources = {split: Source(found, read) for split, found in files.items()}
  splits = in_memory(sources, fields, f"{root.resolve().name}-folder", paths, memory)
  return Dataset(name, fields, hold_out(splits, seed))


def files_of_splits(name: str, root: Path, extensions: tuple = EXTENSIONS) -> dict[str, list]:
  """{split: [(path, name of its class or None)]}. Raises UserError where a split has too few."""
  names = sorted(path.name for path in root.iterdir() if path.is_dir())
  if "train" in names and set(names) <= SPLITS.keys():
    files = {SPLITS[n]: files_under(root / n, extensions) for n in names}
  else:
    files = {"train": files_under(root, extensions)}
  least = 2 if len(files) == 1 else 1
  for split, found in files.items():
    if len(found) < least:
      types = "/".join(extension[1:] for extension in extensions)
      raise UserError(f"{name}: too few {types} files for {split!r}: {len(found)}")
  return files


def files_under(root: Path, extensions: tuple) -> list[tuple[Path, str | None]]:
  """The files under a folder in order of path, each with its class folder's name or None."""
  found = []
  for path in sorted(root.rglob("*")):
    if path.suffix.lower() in extensions and path.is_file():
      parts = path.relative_to(root).parts
      found.append((path, parts[0] if len(parts) > 1 else None))
  return found


def class_names(name: str, pairs: list) -> list[str]:
  """The classes of all files, sorted; [] if none has one. Raises UserError if only some have."""
  classes = sorted({label for _, label in pairs if label is not None})
  outside = [path for path, label in pairs if label is None]
  if classes and outside:
    raise UserError(
      f"{name}: {outside[0]} lies beside the class folders {', '.join(classes)}: "
      "move it into one of them"
    )
  return classes


def common_shape(name: str, paths: list[Path], size: int | None) -> tuple[int, int, int]:
  """The (H, W, C) of all files. Raises UserError for one that differs or can't be read."""
  first = None
  gray = True
  for path in paths:
    try:
      shape, mode = header(path)
    except (OSError, ValueError) as e:
      raise UserError(f"{name}: {path} can't be read as an image: {e}") from e
    first = first or shape
    gray = gray and mode in GRAY
    if not size and shape != first:
      raise UserError(
        f"{name}: {path} is {shape}, expected {first} as {paths[0]}: "
        "make them agree or set data.size"
      )
  return ((size, size) if size else first) + ((1,) if gray else (3,))


def pixels(name: str, path: Path, shape: tuple, size: int | None) -> np.ndarray:
  """The pixels of a file whose header could be read. Raises UserError where they can't be."""
  try:
    return decode(path, "L" if shape[-1] == 1 else "RGB", size)
  except (OSError, ValueError, SyntaxError) as e:
    raise UserError(f"{name}: {path} is damaged: {e}") from e
