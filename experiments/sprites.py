"""Makes data/sprites.npz of a folder of sprites: `python -m experiments.sprites FOLDER`.

The sprites are the 4,249 tiles of 32 x 32 pixels of Dungeon Crawl Stone Soup of November 2015
(CC0; crawl-tiles on opengameart.org), unpacked: FOLDER/mon/animals/raiju.png is a monster with the
caption "raiju". Any other folder of PNG files of one size, in sub-folders, does as well.
"""

from pathlib import Path
import sys

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.data.images import decode

PATH = Path("data/sprites.npz")


def over_black(rgba) -> np.ndarray:
  """Images uint8 [H, W, 4] over a black ground, uint8 [H, W, 3]."""
  opacity = rgba[..., 3:] / 255
  return np.round(rgba[..., :3] * opacity).astype(np.uint8)


def sprites(folder: Path) -> dict:
  """{"image" [N, H, W, 3], "caption" [N], "label" [N]} of the PNG files below a folder.

  A caption is the file's name in words, a label the sub-folder of `folder`. Raises UserError where
  there are none, and for images of several sizes.
  """
  files = sorted(folder.glob("*/**/*.png"), key=lambda file: file.relative_to(folder).as_posix())
  if not files:
    raise UserError(f"{folder} has no sub-folders with png files: unpack the sprites there")
  images = [over_black(decode(file, "RGBA")) for file in files]
  for file, image in zip(files, images):
    if image.shape != images[0].shape:
      raise UserError(f"{file} is {image.shape}, and {files[0]} is {images[0].shape}")
  return {
    "image": np.stack(images),
    "caption": np.array([" ".join(file.stem.replace("_", " ").split()) for file in files]),
    "label": np.array([file.relative_to(folder).parts[0] for file in files]),
  }


if __name__ == "__main__":
  if len(sys.argv) != 2:
    sys.exit("usage: python -m experiments.sprites FOLDER")
  try:
    arrays = sprites(Path(sys.argv[1]))
  except UserError as e:
    sys.exit(f"error: {e}")
  PATH.parent.mkdir(exist_ok=True)
  np.savez_compressed(PATH, **arrays)
  print(f"{PATH}: {len(arrays['image']):,} sprites of {', '.join(np.unique(arrays['label']))}")
