"""Two domains of a user's images without pairs, to translate between."""

from collections import Counter
from collections.abc import Mapping
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.cache import in_memory
from genjax_zoo.data.dataset import Dataset, Source, found_line, hold_out
from genjax_zoo.data.files import domain_of, files_under, folder_of, layout, visible
from genjax_zoo.data.folder import common_shape, pixels
from genjax_zoo.data.images import EXTENSIONS


class Domain(NamedTuple):
  """The image files of a domain."""

  folder: Path
  files: dict[str, list[Path]]  # {split: files}.

  @property
  def paths(self) -> list[Path]:
    """The files of all splits."""
    return list(itertools.chain.from_iterable(self.files.values()))


def load(name: str, *, size: int | None = None, memory: int = 2**32, seed: int = 0) -> Dataset:
  """Two domains of images without pairs, "image_a" and "image_b", drawn independently.

  They are `domains:PATH_A,PATH_B`, or in `domains:PATH` the only two sub-folders, or trainA,
  trainB, testA, testB. Both are RGB unless all images of both are gray. The smaller domain is
  repeated to the size of the larger one. Splits, `size` and `memory` as in `folder.load`. Raises
  UserError where there are other folders, splits or shapes.
  """
  a, b = domains_of(name)
  check_splits(name, a, b)
  shape, notes = shape_of_both(name, a, b, size)
  field = Field(shape, np.uint8, 256, kind="image")
  fields = {"image_a": field, "image_b": field}

  def read(row):
    return {k: pixels(name, path, shape, size) for k, path in zip(fields, row)}

  files_a, files_b = divided(a.files, seed), divided(b.files, seed)
  rows = {split: repeated(files_a[split], files_b[split], seed) for split in files_a}
  sources = {split: Source(pairs, read) for split, pairs in rows.items()}
  cached = f"{a.folder.name}-{b.folder.name}-domains-{seed}"
  splits = in_memory(sources, fields, cached, [*a.paths, *b.paths], memory)
  notes.append(f"{a.folder} has {len(a.paths):,} images, {b.folder} {len(b.paths):,}")
  line = found_line(name, fields, splits, drawn=len(a.files) == 1, notes=notes)
  return Dataset(name, fields, splits, unpaired=("image_b",), found=line)


def domains_of(name: str) -> tuple[Domain, Domain]:
  """The two domains of "domains:...". Raises UserError where they can't be found."""
  path = name.partition(":")[2]
  first, comma, second = path.partition(",")
  if comma and not Path(path).expanduser().is_dir():
    folders = [folder_of(f"domains:{part.strip()}") for part in (first, second)]
    return domain(name, folders[0]), domain(name, folders[1])
  root = folder_of(name)
  inside = [path for path in visible(name, root, Counter()) if path.is_dir()]
  if inside and all(domain_of(path.name) for path in inside):
    return split_domain(name, root, inside, "a"), split_domain(name, root, inside, "b")
  if len(inside) != 2:
    names = ", ".join(path.name for path in inside) or "none"
    raise UserError(
      f"{name}: needs two sub-folders, a domain each, or trainA, trainB, testA, testB; it has "
      f"{names}"
    )
  return domain(name, inside[0]), domain(name, inside[1])


def domain(name: str, folder: Path) -> Domain:
  """The domain in a folder, which may have splits inside."""
  found = layout(name, folder, EXTENSIONS).files
  return Domain(folder, {split: [path for path, _ in rows] for split, rows in found.items()})


def split_domain(name: str, root: Path, folders: list[Path], which: str) -> Domain:
  """The domain "a" or "b" of folders like trainA, trainB. Raises UserError for an empty one."""
  files = {}
  for folder in folders:
    split, of = domain_of(folder.name)
    if of == which:
      found = files_under(name, folder, EXTENSIONS, Counter())
      files[split] = [path for path, _ in found]
      if not found:
        raise UserError(f"{name}: {folder} has no image files")
  return Domain(root / f"*{which.upper()}", files)


def check_splits(name: str, a: Domain, b: Domain):
  """Raises UserError unless both domains have the same splits, "train" among them."""
  if a.files.keys() != b.files.keys() or "train" not in a.files:
    has = [f"{x.folder} has the splits {', '.join(x.files) or 'none'}" for x in (a, b)]
    raise UserError(f"{name}: {', '.join(has)}: both need the same, with 'train'")


def shape_of_both(name: str, a: Domain, b: Domain, size: int | None) -> tuple[tuple, list[str]]:
  """(the (H, W, C) of all images, notes). Raises UserError where the domains differ in size."""
  shapes = [common_shape(name, x.paths, size) for x in (a, b)]
  if shapes[0][:2] != shapes[1][:2]:
    has = [f"{x.folder} has images of {shape[:2]}" for x, shape in zip((a, b), shapes)]
    raise UserError(f"{name}: {', '.join(has)}: set data.size")
  channels = [shape[2] for shape in shapes]
  notes = []
  if len(set(channels)) > 1:
    gray = (a, b)[int(np.argmin(channels))]
    notes.append(f"{gray.folder} is gray and read as RGB, which the other domain is")
  return (*shapes[0][:2], max(channels)), notes


def divided(files: Mapping[str, list], seed: int) -> dict[str, list]:
  """{split: files} with a "test": where there is "train" alone, a tenth of it, drawn by `seed`."""
  if files.keys() != {"train"}:
    return hold_out(files, seed)
  rows = files["train"]
  order = np.random.default_rng(seed).permutation(len(rows))
  test = max(1, len(rows) // 10)
  choose = lambda indices: [rows[i] for i in sorted(indices)]
  return {"train": choose(order[:-test]), "test": choose(order[-test:])}


def repeated(a: list, b: list, seed: int) -> list[tuple]:
  """Pairs of files, with all of both: the shorter list starts again, and b is in random order."""
  n = max(len(a), len(b))
  order = np.random.default_rng(seed).permutation(n)
  return [(a[i % len(a)], b[j % len(b)]) for i, j in enumerate(order)]
