"""Sprites of a folder become arrays that npz: reads: over black, with captions and labels."""

import numpy as np
from PIL import Image
import pytest

from experiments.sprites import over_black, sprites
from genjax_zoo.core import UserError
from genjax_zoo.data import load


def write(path, rgba, size=4):
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(np.full((size, size, 4), rgba, np.uint8)).save(path)


def test_a_transparent_pixel_is_black():
  pixels = np.array([[[200, 100, 50, 255], [200, 100, 50, 0], [200, 100, 51, 51]]], np.uint8)
  np.testing.assert_array_equal(over_black(pixels), [[[200, 100, 50], [0, 0, 0], [40, 20, 10]]])


def test_captions_are_names_and_labels_are_folders(tmp_path):
  write(tmp_path / "mon" / "animals" / "giant_newt.png", (10, 20, 30, 255))
  write(tmp_path / "item" / "old__sword2.png", (90, 80, 70, 0))
  found = sprites(tmp_path)
  assert list(found["caption"]) == ["old sword2", "giant newt"]
  assert list(found["label"]) == ["item", "mon"]
  np.testing.assert_array_equal(found["image"][:, 0, 0], [[0, 0, 0], [10, 20, 30]])
  np.savez(tmp_path / "sprites.npz", **found)
  fields = load(f"npz:{tmp_path / 'sprites.npz'}", vocabulary=0).fields
  assert fields["label"].names == ("item", "mon") and "newt" in fields["tokens"].names


def test_other_folders_are_refused_in_a_line(tmp_path):
  with pytest.raises(UserError, match="no sub-folders with png files"):
    sprites(tmp_path)
  write(tmp_path / "a" / "one.png", (0, 0, 0, 0))
  write(tmp_path / "b" / "two.png", (0, 0, 0, 0), size=5)
  with pytest.raises(UserError, match=r"two.png is \(5, 5, 3\), and .*one.png is \(4, 4, 3\)"):
    sprites(tmp_path)
