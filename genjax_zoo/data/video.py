"""A user's own videos: animated gif and webp files, or folders of frames."""

from collections.abc import Sequence
from pathlib import Path
import re
from typing import NamedTuple

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.cache import in_memory
from genjax_zoo.data.dataset import Dataset, Source, found_line, hold_out
from genjax_zoo.data.files import class_names, folder_of, layout
from genjax_zoo.data.folder import common_shape, pixels, untrained
from genjax_zoo.data.images import EXTENSIONS, decode_clip, frames_of

ANIMATED = (".gif", ".webp")


class Clip(NamedTuple):
  """One video."""

  path: Path  # The animated file, or the folder of the frames.
  files: tuple[Path, ...]  # Of its frames in order; one animated file.
  length: int  # Frames.


def load(
  name: str,
  *,
  frames: int | None = None,
  size: int | None = None,
  memory: int = 2**32,
  seed: int = 0,
) -> Dataset:
  """The first `frames` frames of each video of `video:PATH`, "video" uint8 [T, H, W, C].

  A video is an animated gif or webp file, or a folder of png, jpg or webp frames, in order of their
  numbers; without `frames` all are as long as the shortest. Folders around videos are classes, and
  give "label". Splits, gray images, `size` and `memory` are as in `folder.load`. Raises UserError,
  naming the video, for one that is too short, has another shape or can't be read.
  """
  root = folder_of(name)
  found = layout(name, root, (*EXTENSIONS, ".gif"))
  clips = {
    split: clips_of(name, files, found.folders[split]) for split, files in found.files.items()
  }
  whole = [clip for rows in clips.values() for clip, _ in rows]
  if len(clips) == 1 and len(whole) < 2:
    raise UserError(f"{name}: one video can't be split into train and test")
  classes = class_names(
    name, [(clip.path, label) for rows in clips.values() for clip, label in rows]
  )
  length = common_length(name, whole, frames)
  files = [file for clip in whole for file in clip.files[:length]]
  shape = (length, *common_shape(name, files, size))
  fields = {"video": Field(shape, np.uint8, 256, kind="video")}
  if classes:
    fields["label"] = Field((), np.int32, len(classes), tuple(classes), ordered=False)

  def read(item):
    clip, label = item
    example = {"video": clip_pixels(name, clip, shape, size)}
    return example | ({"label": np.int32(classes.index(label))} if classes else {})

  sources = {split: Source(rows, read) for split, rows in clips.items()}
  splits = in_memory(sources, fields, f"{root.resolve().name}-video", files, memory)
  splits = hold_out(splits, seed)
  lengths = sorted({clip.length for clip in whole})
  notes = untrained(clips, classes) + found.notes
  if lengths[-1] > length:
    notes.append(f"the first {length} frames of videos of {lengths[0]} to {lengths[-1]}")
  line = found_line(name, fields, splits, drawn=len(sources) == 1, notes=notes)
  return Dataset(name, fields, splits, found=line)


def clips_of(
  name: str, files: Sequence[tuple[Path, str | None]], root: Path
) -> list[tuple[Clip, str | None]]:
  """[(video, its class or None)] of the image files of a split, whose folder is `root`.

  Raises UserError where there are animated files and others, and for frames outside a folder.
  """
  try:
    counts = {p: frames_of(p) if p.suffix.lower() in ANIMATED else 1 for p, _ in files}
  except (OSError, ValueError, SyntaxError) as e:
    raise UserError(f"{name}: a file can't be read as a video: {e}") from e
  animated = [(path, label) for path, label in files if counts[path] > 1]
  if animated:
    if still := [path for path, _ in files if counts[path] == 1]:
      raise UserError(
        f"{name}: {still[0]} is one image and {animated[0][0]} is animated: keep one kind"
      )
    return [(Clip(path, (path,), counts[path]), label) for path, label in animated]
  folders = {}
  for path, _ in files:
    folders.setdefault(path.parent, []).append(path)
  if root in folders:
    raise UserError(
      f"{name}: {folders[root][0]} is one image outside of a folder of frames: a video is a folder "
      "of frames, or an animated gif or webp file"
    )
  clips = []
  for folder, frames in sorted(folders.items()):
    label = folder.relative_to(root).parts[0] if folder.parent != root else None
    ordered = tuple(sorted(frames, key=lambda path: natural(path.name)))
    clips.append((Clip(folder, ordered, len(ordered)), label))
  return clips


def natural(name: str) -> list:
  """A key by which frame_2 comes before frame_10."""
  return [(int(x), "") if x.isdigit() else (-1, x) for x in re.split(r"(\d+)", name)]


def common_length(name: str, clips: Sequence[Clip], frames: int | None) -> int:
  """The number of frames that all videos have. Raises UserError for one that is shorter."""
  shortest = min(clips, key=lambda clip: clip.length)
  if frames is None:
    return shortest.length
  if frames < 1:
    raise UserError(f"data.frames={frames}: there must be 1 or more")
  if shortest.length < frames:
    short = sum(clip.length < frames for clip in clips)
    raise UserError(
      f"{name}: {shortest.path} has {shortest.length} frames, data.frames={frames}; {short} of "
      f"{len(clips)} videos are shorter: take fewer frames, or those videos out"
    )
  return frames


def clip_pixels(name: str, clip: Clip, shape: tuple, size: int | None) -> np.ndarray:
  """The frames of a video, uint8 [T, H, W, C]. Raises UserError for one that is damaged."""
  length, *frame = shape
  if clip.files[0] != clip.path:
    return np.stack([pixels(name, file, frame, size) for file in clip.files[:length]])
  try:
    return decode_clip(clip.path, "L" if frame[-1] == 1 else "RGB", size, length)
  except (OSError, ValueError, SyntaxError, EOFError) as e:
    raise UserError(f"{name}: {clip.path} is damaged: {e}") from e
