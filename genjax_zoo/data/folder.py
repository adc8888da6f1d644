"""A user's own image files, from a folder: with classes, or with captions."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
import zlib

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import tokenizer
from genjax_zoo.data.cache import in_memory
from genjax_zoo.data.captions import captions_of
from genjax_zoo.data.dataset import Dataset, Source, found_line, hold_out
from genjax_zoo.data.files import class_names, domain_of, folder_of, layout
from genjax_zoo.data.images import EXTENSIONS, GRAY, decode, header


def load(
  name: str,
  *,
  size: int | None = None,
  vocabulary: int = 1000,
  memory: int = 2**32,
  seed: int = 0,
) -> Dataset:
  """The png, jpg and webp files of `folder:PATH`: gray if all are gray, else RGB without alpha.

  Sub-folders are classes, in order of name, and give "label". If the only sub-folders are "train",
  "test" and "validation", or other usual names of splits, they are splits with the same layout
  inside; else a tenth, drawn by `seed`, is the test split. With captions (captions.py) there are
  "tokens" in place of classes, of a BPE of at most `vocabulary` tokens, or of words if it is 0.

  `size` crops and resizes; without it all shapes must agree. Sets over `memory` bytes stay on disk.
  `Dataset.found` says what was found and what was left out. Raises UserError naming the file that
  can't be read or has another shape, and for images without captions where others have some.
  """
  root = folder_of(name)
  found = layout(name, root, EXTENSIONS)
  pairs = [pair for files in found.files.values() for pair in files]
  paths = [path for path, _ in pairs]
  texts, lists = captions_of(name, [root, *found.folders.values()], paths)
  classes = [] if texts else class_names(name, pairs)
  check_classes(name, classes)
  shape = common_shape(name, paths, size)
  fields = {"image": Field(shape, np.uint8, 256, kind="image")}
  more = {path: {} for path in paths}  # {file: its other entries}.
  if texts:
    fields["tokens"] = tokenizer.field_of(list(texts.values()), vocabulary)
    tokens = tokenizer.encode(fields["tokens"], [texts[path] for path in paths])
    more = {path: {"tokens": row} for path, row in zip(paths, tokens)}
    found.left_out.subtract(f"{file.suffix} files" for file in lists)
  if classes:
    fields["label"] = Field((), np.int32, len(classes), tuple(classes), ordered=False)
    more = {path: {"label": np.int32(classes.index(label))} for path, label in pairs}

  def read(item):
    path, _ = item
    return {"image": pixels(name, path, shape, size)} | more[path]

  sources = {split: Source(files, read) for split, files in found.files.items()}
  # The same captions are other tokens in another vocabulary.
  cached = f"{root.resolve().name}-folder"
  cached += f"-{zlib.crc32(repr(fields['tokens']).encode()):08x}" if texts else ""
  splits = in_memory(sources, fields, cached, [*paths, *lists], memory)
  splits = hold_out(splits, seed)
  notes = untrained(found.files, classes) + found.notes
  line = found_line(name, fields, splits, drawn=len(sources) == 1, notes=notes)
  return Dataset(name, fields, splits, found=line)


def check_classes(name: str, classes: Sequence[str]):
  """Raises UserError for classes by whose names they are pairs or domains."""
  path = name.partition(":")[2]
  others = {"domains": classes and all(map(domain_of, classes))}
  others["pairs"] = {c.lower() for c in classes} == {"input", "target"}
  for kind, found in others.items():
    if found:
      raise UserError(
        f"{name}: {' and '.join(classes[:4])} look like {kind}, which {kind}:{path} reads; rename "
        "them if they are classes"
      )


def untrained(files: dict[str, list], classes: Sequence[str]) -> list[str]:
  """A note on the classes without a training example."""
  counts = Counter(label for _, label in files["train"])
  absent = [label for label in classes if not counts[label]]
  return [f"no training example of the class {', '.join(absent[:8])}"] if absent else []


def common_shape(name: str, paths: list[Path], size: int | None) -> tuple[int, int, int]:
  """The (H, W, C) of all files. Raises UserError for one that differs or can't be read."""
  first = None
  gray = True
  for path in paths:
    try:
      shape, mode = header(path)
    except (OSError, ValueError) as e:
      raise UserError(
        f"{name}: {path} can't be read as an image: {e}; mend it or take it out"
      ) from e
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
    raise UserError(f"{name}: {path} is damaged: {e}; mend it or take it out") from e
