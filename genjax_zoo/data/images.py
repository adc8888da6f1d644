"""Image files decoded, in the same way wherever they come from."""

import numpy as np
from PIL import Image, ImageOps

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp")
GRAY = ("1", "L", "LA")
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")
TRANSPOSED = (5, 6, 7, 8)  # EXIF orientations that swap height and width.
ORIENTATION = 0x0112


def decode(file, mode: str, size: int | None = None) -> np.ndarray:
  """An image file or stream as uint8 [H, W, C], upright, in Pillow's mode "L", "RGB" or "RGBA".

  With `size` the largest centred square is cut out and resized to size x size, by bicubic
  interpolation with antialiasing.
  """
  with Image.open(file) as image:
    ImageOps.exif_transpose(image, in_place=True)
    return pixels(image.convert(mode), size)


def decode_clip(file, mode: str, size: int | None, frames: int) -> np.ndarray:
  """The first `frames` frames of an animated file, uint8 [T, H, W, C], each as in `decode`."""
  with Image.open(file) as image:
    found = []
    for i in range(frames):
      image.seek(i)
      found.append(pixels(image.convert(mode), size))
  return np.stack(found)


def pixels(image: Image.Image, size: int | None = None) -> np.ndarray:
  """An image as uint8 [H, W, C], with `size` its largest centred square, resized."""
  if size:
    side = min(image.size)
    left, top = ((n - side) // 2 for n in image.size)
    square = image.crop((left, top, left + side, top + side))
    image = square.resize((size, size), Image.Resampling.BICUBIC)
  x = np.asarray(image)
  return x[..., None] if x.ndim == 2 else x


def frames_of(file) -> int:
  """The number of frames of an image file, 1 where it is not animated."""
  with Image.open(file) as image:
    return getattr(image, "n_frames", 1)


def header(file) -> tuple[tuple[int, int], str]:
  """The (height, width) and Pillow mode of an image file, from its first bytes alone.

  Raises OSError where it is no image, ValueError where it has more than 8 bits a channel.
  """
  with Image.open(file) as image:
    width, height = image.size
    if image.mode not in MODES:
      raise ValueError(
        f"pixels of Pillow mode {image.mode!r} are not 8-bit gray or colour: convert it"
      )
    upright = image.getexif().get(ORIENTATION) not in TRANSPOSED
    return ((height, width) if upright else (width, height)), image.mode
