"""Videos of a user: animated files and folders of frames hold the same numbers."""

import numpy as np
from PIL import Image
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import count, load


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def frames(clip, n):
  """n frames [n, 6, 4] of one gray level each, by which clip and frame are known."""
  return np.stack([np.full((6, 4), 10 * clip + t, np.uint8) for t in range(n)])


def save_clip(path, x, form):
  if form == "frames":
    path.mkdir(parents=True)
    for t, frame in enumerate(x):
      Image.fromarray(frame).save(path / f"frame_{t}.png")
    return
  path.parent.mkdir(parents=True, exist_ok=True)
  first, *others = [Image.fromarray(frame) for frame in x]
  options = {"lossless": True} if form == "webp" else {}
  first.save(path.with_suffix(f".{form}"), save_all=True, append_images=others, **options)


def refused(message, name, **kwargs):
  with pytest.raises(UserError) as e:
    load(name, **kwargs)
  assert message in str(e.value) and "\n" not in str(e.value), e.value


@pytest.mark.parametrize("form", ["frames", "gif", "webp"])
def test_frames_are_in_order_and_classes_are_folders(tmp_path, form):
  root = tmp_path / "clips"
  for clip in range(5):
    # Frames 10 and 11 come after 2, though not by their names.
    save_clip(root / ("cat" if clip % 2 else "dog") / f"{clip}", frames(clip, 12), form)
  dataset = load(f"video:{root}", frames=12)
  channels = 1 if form == "frames" else 3  # Animated files have a palette, or no gray mode.
  assert dataset.fields["video"].shape == (12, 6, 4, channels)
  assert dataset.fields["video"].kind == "video" and dataset.fields["label"].names == ("cat", "dog")
  for examples in dataset.splits.values():
    for video, label in zip(examples["video"], examples["label"]):
      clip = round(int(video[0, 0, 0, 0]) / 10)
      assert label == (clip + 1) % 2
      np.testing.assert_array_equal(video[..., 0], frames(clip, 12))
  assert sum(count(x) for x in dataset.splits.values()) == 5


def test_lengths(tmp_path):
  root = tmp_path / "clips"
  for clip, n in enumerate((5, 3, 8)):
    save_clip(root / f"{clip}", frames(clip, n), "frames")
  dataset = load(f"video:{root}")
  assert dataset.fields["video"].shape[0] == 3
  assert "the first 3 frames of videos of 3 to 8" in dataset.found
  refused(f"{root / '1'} has 3 frames, data.frames=5; 1 of 3 videos", f"video:{root}", frames=5)
  refused("data.frames=0", f"video:{root}", frames=0)
  assert load(f"video:{root}", frames=2, size=4).fields["video"].shape == (2, 4, 4, 1)


def test_wrong_videos_are_named(tmp_path):
  root = tmp_path / "clips"
  for clip in range(3):
    save_clip(root / f"{clip}", frames(clip, 4), "gif")
  path = root / "still.gif"
  Image.fromarray(frames(0, 1)[0]).save(path)
  refused(f"{path} is one image and", f"video:{root}")
  path.write_bytes(b"GIF89a")
  refused("can't be read as a video", f"video:{root}")
  path.unlink()
  assert load(f"video:{root}").fields["video"].shape == (4, 6, 4, 3)
  for name in ("a", "b"):
    save_clip(tmp_path / "loose" / name, frames(0, 3), "frames")
  Image.fromarray(frames(0, 1)[0]).save(tmp_path / "loose/x.png")
  refused("x.png is one image outside of a folder of frames", f"video:{tmp_path / 'loose'}")
  save_clip(tmp_path / "one/a", frames(0, 3), "frames")
  refused("one video can't be split", f"video:{tmp_path / 'one'}")
