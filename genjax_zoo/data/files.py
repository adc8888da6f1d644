"""A user's files in folders: which are data, and of which split and class each is."""

from collections import Counter
from collections.abc import Iterator
import os
from pathlib import Path
import re
from typing import NamedTuple

from genjax_zoo.core import UserError
from genjax_zoo.data.dataset import SPLITS, split_of

# What systems put into folders beside what begins with a dot.
HIDDEN = "__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found"


class Layout(NamedTuple):
  """What a folder holds."""

  files: dict[str, list[tuple[Path, str | None]]]  # {split: [(file, its class or None)]}.
  left_out: Counter  # {what: how many}.
  folders: dict[str, Path]  # {split: its folder}.

  @property
  def notes(self) -> list[str]:
    """What was left out, in a phrase; [] if nothing was."""
    counted = ", ".join(f"{n:,} {what}" for what, n in sorted(self.left_out.items()) if n > 0)
    return [f"left out: {counted}"] if counted else []


def folder_of(name: str) -> Path:
  """The folder of "prefix:PATH". Raises UserError where there is none."""
  root = Path(name.partition(":")[2]).expanduser()
  if not root.is_dir():
    what = "is a file" if root.exists() else "there is no such folder; name another"
    raise UserError(f"{name}: {what}")
  return root


def layout(name: str, root: Path, extensions: tuple[str, ...]) -> Layout:
  """The files of some extensions under a folder, in order of path, by split and class.

  Sub-folders called as splits are ("train", "Testing", "val") are splits; else all is "train". In a
  split, the first sub-folder on the way to a file is its class. Hidden files are left out, links
  followed. Raises UserError where folders might be splits or classes, and for too few files.
  """
  left_out = Counter()
  folders = split_folders(name, root, extensions, left_out)
  files = {
    split: files_under(name, folder, extensions, left_out) for split, folder in folders.items()
  }
  least = 2 if len(files) == 1 else 1
  for split, found in files.items():
    if len(found) < least:
      types = "/".join(extension[1:] for extension in extensions)
      beside = f"; there are {', '.join(left_out)}" if left_out else ""
      raise UserError(f"{name}: too few {types} files for {split!r}: {len(found)}{beside}")
  return Layout(files, left_out, folders)


def split_folders(
  name: str, root: Path, extensions: tuple[str, ...], left_out: Counter
) -> dict[str, Path]:
  """{split: its folder}, {"train": root} without such folders. Raises UserError where unsure."""
  splits, others = {}, []
  for path in visible(name, root, left_out):
    split = split_of(path.name) if path.is_dir() else None
    if split in splits:
      raise UserError(
        f"{name}: {splits[split].name} and {path.name} are both the split {split!r}: leave one out"
      )
    if split:
      splits[split] = path
    elif path.is_dir() or path.suffix.lower() in extensions:
      others.append(path.name)
  if not splits:
    left_out.clear()  # All of it is counted in `root` again.
    return {"train": root}
  named = ", ".join(path.name for path in splits.values())
  if others:
    beside = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
    raise UserError(
      f"{name}: {named} may be a split or a class beside {beside}: rename it if it is a class, "
      "else move the others out"
    )
  if "train" not in splits:
    raise UserError(f"{name}: has the split {named} and no 'train'")
  return {split: splits[split] for split in SPLITS if split in splits}


def domain_of(folder: str) -> tuple[str, str] | None:
  """(split, "a" or "b") of a folder's name such as trainA or test_b; None for others."""
  found = re.fullmatch(r"(\w+?)[_-]?([abAB])", folder)
  split = split_of(found[1]) if found else None
  return (split, found[2].lower()) if split else None


def files_under(
  name: str, root: Path, extensions: tuple[str, ...], left_out: Counter
) -> list[tuple[Path, str | None]]:
  """[(file, the first folder on the way to it or None)] under a folder; counts what it leaves."""
  found = []
  for path in walk(name, root, left_out):
    if path.suffix.lower() in extensions:
      parts = path.relative_to(root).parts
      found.append((path, parts[0] if len(parts) > 1 else None))
    else:
      left_out[f"{path.suffix.lower()} files" if path.suffix else "files without an extension"] += 1
  return found


def walk(name: str, folder: Path, left_out: Counter, above: tuple = ()) -> Iterator[Path]:
  """The files under a folder in order of path; links are followed, but not back to a folder above.

  What is left out is counted. Raises UserError for a folder that can't be read.
  """
  real = os.path.realpath(folder)
  if real in above:
    left_out["links to a folder above"] += 1
    return
  for path in visible(name, folder, left_out):
    if path.is_dir():
      yield from walk(name, path, left_out, (*above, real))
    elif path.is_file():
      yield path
    else:
      left_out["broken links"] += 1


def visible(name: str, folder: Path, left_out: Counter) -> list[Path]:
  """What is in a folder and not hidden, in order of name."""
  try:
    paths = sorted(folder.iterdir())
  except OSError as e:
    raise UserError(f"{name}: {folder} can't be read: {e.strerror}") from e
  shown = [path for path in paths if not hidden(path.name)]
  if len(shown) < len(paths):
    left_out["hidden files and folders"] += len(paths) - len(shown)
  return shown


def hidden(name: str) -> bool:
  """Whether a name is one that systems give, and no data."""
  return name.startswith(".") or name.lower() in HIDDEN


def class_names(name: str, pairs: list[tuple[Path, str | None]]) -> list[str]:
  """The classes of all files, sorted; [] if none has one. Raises UserError if only some have."""
  classes = sorted({label for _, label in pairs if label is not None})
  outside = [path for path, label in pairs if label is None]
  if classes and outside:
    raise UserError(
      f"{name}: {outside[0]} lies beside the class folders {', '.join(classes)}: "
      "move it into one of them"
    )
  return classes
