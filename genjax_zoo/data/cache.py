"""Decoded sets cached on disk: decoding 60,000 PNG files takes seconds, reading them back 0.1 s."""

from collections.abc import Mapping
import contextlib
import hashlib
import os
from pathlib import Path
import sys
import tempfile
import zipfile

import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Examples, Source, nbytes, take


def cache_folder() -> Path:
  """$XDG_CACHE_HOME/genjax_zoo, or ~/.cache/genjax_zoo. It may be deleted at any time."""
  return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "genjax_zoo"


def in_memory(
  sources: Mapping[str, Source], fields: Mapping[str, Field], name: str, files, memory: int
) -> Mapping[str, Examples]:
  """The splits as arrays, decoded once and cached; the sources themselves over `memory` bytes.

  The file of the cache depends on `name`, on the shapes and types of the entries, and on the path,
  size and modification time of each of `files`: when one changes, the set is decoded again. A
  damaged cache is replaced, an unwritable folder is ignored, and of several processes that write
  at once each writes a complete file.
  """
  if sum(nbytes(fields, len(source)) for source in sources.values()) > memory:
    return sources
  path = cache_folder() / f"{name.replace('/', '-')}-{digest(name, fields, files)}.npz"
  shapes = {
    f"{s}/{k}": (len(source), *f.shape) for s, source in sources.items() for k, f in fields.items()
  }
  arrays = read(path, shapes)
  if arrays is None:
    print(f"decoding {sum(map(len, sources.values())):,} examples of {name}", file=sys.stderr)
    arrays = {}
    for split, source in sources.items():
      arrays |= {f"{split}/{k}": x for k, x in decoded(source, fields).items()}
    write(path, arrays)
  return {split: {k: arrays[f"{split}/{k}"] for k in fields} for split in sources}


def digest(name: str, fields: Mapping[str, Field], files) -> str:
  """A hash of what the arrays of a set depend on."""
  entries = {k: (f.shape, np.dtype(f.dtype).name) for k, f in fields.items()}
  stamps = []
  for file in files:
    stat = os.stat(file)
    stamps.append((str(file), stat.st_size, stat.st_mtime_ns))
  return hashlib.sha256(repr((name, entries, stamps)).encode()).hexdigest()[:16]


def decoded(source: Source, fields: Mapping[str, Field]) -> dict[str, np.ndarray]:
  """All examples of a source as arrays, a thousand at a time."""
  arrays = {k: np.empty((len(source), *f.shape), f.dtype) for k, f in fields.items()}
  for start in range(0, len(source), 1000):
    rows = range(start, min(start + 1000, len(source)))
    for k, x in take(source, rows).items():
      arrays[k][rows.start : rows.stop] = x
  return arrays


def read(path: Path, shapes: Mapping[str, tuple]) -> dict[str, np.ndarray] | None:
  """The arrays of a file; None if it is absent, damaged, or holds arrays of other shapes."""
  try:
    with np.load(path) as file:
      arrays = {k: file[k] for k in shapes}
  except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
    return None
  return arrays if {k: x.shape for k, x in arrays.items()} == shapes else None


def write(path: Path, arrays: Mapping[str, np.ndarray]):
  """Writes a complete file or none.

  Others may write the same one, the disk may be full, or the folder read-only.
  """
  with contextlib.suppress(OSError):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
      try:
        np.savez(file, **arrays)
        file.close()
        os.replace(file.name, path)
      except BaseException:
        os.unlink(file.name)
        raise
