"""Folders as they come: what the computer puts into them, links, and other names of splits."""

import numpy as np
from PIL import Image
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import count, load


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def pixels(seed=0):
  return np.random.default_rng(seed).integers(256, size=(4, 4, 3), dtype=np.uint8)


def fill(*folders, n=3):
  for folder in folders:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
      Image.fromarray(pixels(i)).save(folder / f"{i}.png")


def sizes(root):
  """{split: examples}, the classes, and the line on what was found."""
  dataset = load(f"folder:{root}")
  names = dataset.fields["label"].names if "label" in dataset.fields else ()
  return {split: count(x) for split, x in dataset.splits.items()}, names, dataset.found


def refused(message, root):
  with pytest.raises(UserError) as e:
    load(f"folder:{root}")
  assert message in str(e.value) and "\n" not in str(e.value), e.value


@pytest.mark.parametrize(
  "name", [".git", ".ipynb_checkpoints", "__MACOSX", "@eaDir", ".Thumbnails"]
)
def test_hidden_folders_are_no_data(tmp_path, name):
  root = tmp_path / "photos"
  fill(root / "train/a", root / "train/b", root / "test/a", root / "test/b", root / name / "a")
  (root / "train/a/._0.png").write_bytes(b"\0\5\x16\7")
  (root / "Thumbs.db").write_bytes(b"")
  split, names, found = sizes(root)
  assert split == {"train": 6, "test": 6} and names == ("a", "b")
  assert "left out: 3 hidden files and folders" in found
  fill(tmp_path / "flat", tmp_path / "flat" / name)
  assert sizes(tmp_path / "flat")[:2] == ({"train": 2, "test": 1}, ())


def test_an_empty_hidden_folder_makes_no_class(tmp_path):
  fill(tmp_path / "photos/a", tmp_path / "photos/b")
  (tmp_path / "photos/.cache").mkdir()
  assert sizes(tmp_path / "photos")[1] == ("a", "b")


@pytest.mark.parametrize(
  "names", [("Train", "TEST"), ("training", "testing"), ("train", "test", "dev"), ("trn", "val")]
)
def test_splits_have_synonyms_in_any_case(tmp_path, names):
  root = tmp_path / "photos"
  fill(*(root / name / c for name in names for c in "ab"))
  split, classes, _ = sizes(root)
  assert classes == ("a", "b") and set(split.values()) == {6}
  assert {"train", "test"} <= split.keys() and ("validation" in split) == ("dev" in names)


def test_doubtful_splits_are_refused(tmp_path):
  root = tmp_path / "photos"
  fill(root / "train", root / "val", root / "valid")
  refused("val and valid are both the split 'validation'", root)
  other = tmp_path / "others"
  fill(other / "train", other / "plane")
  refused("train may be a split or a class beside plane: rename it if it is a class", other)
  fill(tmp_path / "test_only/test")
  refused("has the split test and no 'train'", tmp_path / "test_only")
  fill(tmp_path / "beside/train", tmp_path / "beside")
  refused("train may be a split or a class beside 0.png, 1.png, 2.png", tmp_path / "beside")


def test_pairs_and_domains_are_no_classes(tmp_path):
  fill(tmp_path / "pairs/input", tmp_path / "pairs/target")
  refused(f"input and target look like pairs, which pairs:{tmp_path / 'pairs'} reads",
          tmp_path / "pairs")  # fmt: skip
  fill(*(tmp_path / "domains" / f"{split}{d}" for split in ("train", "test") for d in "AB"))
  refused("look like domains, which domains:", tmp_path / "domains")


def test_links_are_followed_but_not_in_circles(tmp_path):
  root = tmp_path / "photos"
  fill(tmp_path / "elsewhere/a", tmp_path / "elsewhere/b", root / "c")
  for name in "ab":
    (root / name).symlink_to(tmp_path / "elsewhere" / name)
  (root / "c/again").symlink_to(root)
  (root / "c/3.png").symlink_to(tmp_path / "elsewhere/a/0.png")
  (root / "c/gone.png").symlink_to(tmp_path / "nothing.png")
  split, names, found = sizes(root)
  assert names == ("a", "b", "c") and sum(split.values()) == 10
  assert "1 broken links, 1 links to a folder above" in found


def test_what_was_found_and_left_out_is_said(tmp_path):
  root = tmp_path / "photos"
  fill(root / "train/a", root / "test/a", root / "test/b")
  (root / "train/notes.txt").write_text("")
  (root / "test/b/clip.gif").write_bytes(b"")
  assert sizes(root)[2] == (
    f"folder:{root}: examples: 3 to train, 6 to test; image: uint8 [4, 4, 3]; label: 2 classes "
    "(a, b); no training example of the class b; left out: 1 .gif files, 1 .txt files"
  )
  fill(tmp_path / "flat")
  assert "1 to test, set apart at random" in sizes(tmp_path / "flat")[2]


def test_unusual_folders(tmp_path):
  (tmp_path / "gifs").mkdir()
  (tmp_path / "gifs/a.gif").write_bytes(b"")
  refused("too few png/jpg/jpeg/webp files for 'train': 0; there are .gif files", tmp_path / "gifs")
  fill(tmp_path / "one", n=1)
  refused("too few", tmp_path / "one")
  fill(tmp_path / "zero")
  (tmp_path / "zero/9.png").write_bytes(b"")
  refused(f"{tmp_path / 'zero/9.png'}'; mend it or take it out", tmp_path / "zero")
  refused("is a file", tmp_path / "zero/0.png")
  fill(tmp_path / "日本 ü/ä ö", tmp_path / "日本 ü/猫")
  assert sizes(tmp_path / "日本 ü")[1] == ("ä ö", "猫")
  fill(tmp_path / "deep/a/x", tmp_path / "deep/a/y", tmp_path / "deep/b/x")
  assert sizes(tmp_path / "deep")[1] == ("a", "b")


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
  from pathlib import Path

  fill(tmp_path / "photos/a", tmp_path / "photos/b")
  inner = Path.iterdir

  def iterdir(self):
    if self.name == "b":
      raise PermissionError(13, "Permission denied")
    return inner(self)

  monkeypatch.setattr(Path, "iterdir", iterdir)
  refused(f"{tmp_path / 'photos/b'} can't be read: Permission denied", tmp_path / "photos")
