"""Decoded sets kept on disk: decoding 60,000 small PNG files takes seconds, reading them back a
twentieth of one.
"""

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
  """Where decoded sets are kept: $XDG_CACHE_HOME/genjax_zoo, or ~/.cache/genjax_zoo. It may be
  deleted any time.
  """
  return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "genjax_zoo"


def in_memory(
  sources: Mapping[str, Source], fields: Mapping[str, Field], name: str, files, memory: int
) -> Mapping[str, Examples]:
  """The splits as arrays, decoded once and kept on disk; the sources themselves if they exceed
  `memory` bytes.

  The copy is known by `name`, the fields, and the path, size and time of change of each of `files`:
  when one changes, the set is decoded anew. A damaged copy is replaced, an unwritable folder is
  done without, and of several processes that write at once each leaves a whole file.
  """
  if sum(nbytes(fields, len(source)) for source in sources.values()) > memory:
    return sources
  stamps = [(str(file), (stat := os.stat(file)).st_size, stat.st_mtime_ns) for file in files]
  digest = hashlib.sha256(repr((name, fields, stamps)).encode()).hexdigest()[:16]
  path = cache_folder() / f"{name.replace('/', '-')}-{digest}.npz"
  shapes = {
    f"{s}/{k}": (len(source), *f.shape) for s, source in sources.items() for k, f in fields.items()
  }
  arrays = _read(path, shapes)
  if arrays is None:
    print(f"decoding {sum(map(len, sources.values())):,} examples of {name}", file=sys.stderr)
    arrays = {
      f"{s}/{k}": x for s, source in sources.items() for k, x in _decode(source, fields).items()
    }
    _write(path, arrays)
  return {split: {k: arrays[f"{split}/{k}"] for k in fields} for split in sources}


def _decode(source, fields):
  """All examples of a source as arrays, a thousand at a time."""
  arrays = {k: np.empty((len(source), *f.shape), f.dtype) for k, f in fields.items()}
  for start in range(0, len(source), 1000):
    rows = range(start, min(start + 1000, len(source)))
    for k, x in take(source, rows).items():
      arrays[k][rows.start : rows.stop] = x
  return arrays


def _read(path, shapes):
  """The arrays of a file, or None if it is absent, damaged, or holds other arrays."""
  try:
    with np.load(path) as file:
      arrays = {k: file[k] for k in shapes}
  except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
    return None
  return arrays if {k: x.shape for k, x in arrays.items()} == shapes else None


def _write(path, arrays):
  """Writes a whole file or none: others may write the same, the disk may be full or the folder
  read-only.
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
