"""Captions of a user's image files, from one file for all or from one beside each image."""

from collections.abc import Iterator, Sequence
import json
import os
from pathlib import Path

from genjax_zoo.core import UserError

LISTS = "captions.jsonl", "metadata.jsonl", "captions.txt"
# What a line of JSON may call the image file and its caption.
FILE = "file", "file_name", "filename", "image"
CAPTION = "caption", "text"


def captions_of(name: str, roots: Sequence[Path], images: Sequence[Path]) -> tuple[dict, list]:
  """({image file: caption}, the files that hold them); ({}, []) where there are none.

  A list is in one of the folders `roots`, with paths from there: lines {"file": ..., "caption":
  ...} of captions.jsonl, or FILE TAB CAPTION of captions.txt. Else an image a.png has a.txt.
  Raises UserError, naming the file, for an image without a caption, a caption without an image, two
  captions of one image, and a line that can't be read.
  """
  known = {os.path.normpath(path): path for path in images}
  lists = [
    root / file for root in dict.fromkeys(roots) for file in LISTS if (root / file).is_file()
  ]
  found = {}
  for path in lists:
    for number, (file, caption) in lines(name, path):
      image = known.get(os.path.normpath(path.parent / file))
      where = f"{name}: {path}, line {number}"
      if image is None:
        there = (
          "is no image file that was found" if (path.parent / file).exists() else "is not there"
        )
        raise UserError(f"{where}: {file} {there}")
      if image in found:
        raise UserError(f"{where}: {file} has a caption already: keep one")
      found[image] = caption
  if not lists:
    lists = [path for path in (image.with_suffix(".txt") for image in images) if path.is_file()]
    found = {
      image: text_of(name, image.with_suffix(".txt")).strip()
      for image in images
      if image.with_suffix(".txt").is_file()
    }
  if lists and (without := [image for image in images if image not in found]):
    raise UserError(
      f"{name}: {len(without):,} of {len(images):,} images have no caption, first {without[0]}: "
      "add one, or take the image out"
    )
  return found, lists


def text_of(name: str, path: Path) -> str:
  """The text of a file. Raises UserError where it is not UTF-8 or can't be read."""
  try:
    return path.read_text(encoding="utf-8-sig")
  except (OSError, UnicodeDecodeError) as e:
    raise UserError(f"{name}: {path} can't be read as UTF-8 text: {e}") from e


def lines(name: str, path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
  """(number from 1, (image file, caption)) of the lines of a list; empty lines are left out."""
  parse = json_line if path.suffix == ".jsonl" else tabbed_line
  for number, line in enumerate(text_of(name, path).split("\n"), 1):
    if line.strip():
      try:
        yield number, parse(line.rstrip("\r"))
      except ValueError as e:
        raise UserError(f"{name}: {path}, line {number}: {e}") from e


def json_line(line: str) -> tuple[str, str]:
  """(image file, caption) of a line of JSON. Raises ValueError where it lacks one."""
  try:
    about = json.loads(line)
  except ValueError as e:
    raise ValueError(f"is no JSON: {e}") from e
  found = []
  for keys in (FILE, CAPTION):
    values = [about[k] for k in keys if k in about] if isinstance(about, dict) else []
    if len(values) != 1 or not isinstance(values[0], str):
      raise ValueError(f"needs one text {' or '.join(map(repr, keys))}")
    found += values
  return found[0], found[1]


def tabbed_line(line: str) -> tuple[str, str]:
  """(image file, caption) of a line FILE TAB CAPTION. Raises ValueError for another."""
  file, tab, caption = line.partition("\t")
  if not tab:
    raise ValueError("needs a tab between file and caption")
  return file.strip(), caption.strip()
