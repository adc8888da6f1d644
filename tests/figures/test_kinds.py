"""A batch of every kind has a picture, in which its arrays can be found."""

import itertools
import sys

import numpy as np
from PIL import Image
import pytest

from genjax_zoo.core import Field
from genjax_zoo.figures import kinds
from genjax_zoo.figures.kinds import film, palette, save_shown, show
from genjax_zoo.figures.pictures import GRAY, beside, grid, written
from genjax_zoo.figures.space import clouds, meshes

RNG = np.random.default_rng(0)
NAMES = ("<pad>", "a", "red", "circle")
GRAYS = Field((4, 4, 1), np.uint8, 256)
RGB = Field((8, 8, 3), np.uint8, 256)
WORDS = Field((5,), np.int32, 4, NAMES, ordered=False, kind="tokens")
VIDEO = Field((3, 4, 4, 3), np.uint8, 256, kind="video")
MAP = Field((8, 8), np.int32, 5, ordered=False)


def integers(field, n=6):
  return RNG.integers(0, field.num_values, (n, *field.shape)).astype(field.dtype)


def numbers(shape, levels=None):
  x = np.random.default_rng(3).normal(size=(40, *shape)).astype(np.float32)
  return x if levels is None else np.clip(np.round(x + levels / 2), 0, levels - 1).astype(np.int32)


@pytest.mark.parametrize(
  "name, shape, levels",
  [
    ("x", (2,), None),
    ("x", (), None),
    ("x", (1,), None),
    ("x", (12,), None),
    ("x", (12,), 2),
    ("label", (), 10),
    ("tokens", (16,), 30),
    ("points", (50, 3), None),
    ("image", (8, 8, 1), 17),
    ("image", (8, 8, 3), None),
  ],
)
def test_each_kind_of_data_is_shown(name, shape, levels):
  fields = {name: Field(shape, np.float32 if levels is None else np.int32, levels)}
  batch = {name: numbers(shape, levels)}
  picture = show(batch, fields)
  assert (
    picture.dtype == np.uint8
    and picture.ndim == 3
    and picture.shape[2] == 3
    and np.ptp(picture) > 100
  )
  np.testing.assert_array_equal(show(batch | {"weight": np.ones(40)}, fields), picture)
  batch[name] = batch[name][::2] * 0
  other = show(batch, fields)
  assert other.shape != picture.shape or (other != picture).any()


def test_show_prefers_images_and_leaves_out_what_it_cannot_show():
  fields = {
    "label": Field((), np.int32, 10),
    "tokens": Field((5,), np.int32, 9),
    "image": Field((4, 4, 1), np.uint8, 256),
  }
  batch = {k: np.zeros((9, *f.shape), f.dtype) for k, f in fields.items()}
  np.testing.assert_array_equal(show(batch, fields), grid(batch["image"], 256))
  assert show({}, fields) is None
  assert show({"mask": np.ones((9, 5))}, fields | {"mask": Field((5,), bool)}) is None
  assert show({"voxels": np.ones((2, 5, 5, 5))}, {"voxels": Field((5, 5, 5), np.float32)}) is None


def test_scatter_leaves_pyplot_alone():
  show({"x": numbers((2,))}, {"x": Field((2,), np.float32)})
  pyplot = sys.modules.get("matplotlib.pyplot")
  assert pyplot is None or not pyplot.get_fignums()


def test_words_and_names_of_classes_are_captions():
  tokens = np.array([[1, 2, 3, 0, 0], [1, 3, 0, 0, 0]])
  label = Field((), np.int32, 2, ("cat", "dog"), ordered=False)
  fields = {"image": RGB, "tokens": WORDS, "label": label}
  batch = {"image": integers(RGB, 2), "tokens": tokens, "label": np.array([1, 0])}
  texts = ["a red circle, dog", "a circle, cat"]
  np.testing.assert_array_equal(show(batch, fields), grid(batch["image"], 256, captions=texts))
  fields["label"] = label._replace(names=())
  expected = grid(batch["image"], 256, captions=["a red circle", "a circle"])
  np.testing.assert_array_equal(show(batch, fields), expected)


def test_words_alone_are_lines():
  tokens = np.array([[1, 2, 3, 0, 0], [1, 3, 0, 0, 0]])
  lines = written(["a red circle", "a circle"])
  np.testing.assert_array_equal(show({"tokens": tokens}, {"tokens": WORDS}), lines)


def test_pairs_are_side_by_side_and_as_high_as_each_other():
  fields = {"image": GRAYS, "target": RGB}
  batch = {name: integers(field) for name, field in fields.items()}
  low = batch["image"].repeat(2, 1).repeat(2, 2).repeat(3, 3)
  expected = grid(np.concatenate([low, batch["target"]], 2), 256)
  np.testing.assert_array_equal(show(batch, fields), expected)
  # A data set may name its main entry, the target, first.
  np.testing.assert_array_equal(show(batch, dict(reversed(fields.items()))), expected)
  # 5 x 5 does not fit into 8 x 8 twice: gray below.
  odd = {"image": Field((5, 5, 1), np.uint8, 256), "target": RGB}
  tile = kinds.tiles({"image": integers(odd["image"]), "target": batch["target"]}, odd, odd)
  assert tile.shape == (6, 8, 5 + 8, 3) and (tile[:, 5:, :5] == GRAY).all()


def test_unpaired_domains_are_two_blocks():
  fields = {"image_a": GRAYS, "image_b": RGB}
  batch = {"image_a": integers(GRAYS, 4), "image_b": integers(RGB, 6)}
  blocks = (grid(batch[name], 256) for name in fields)
  np.testing.assert_array_equal(show(batch, fields), beside(*blocks))


def test_a_video_is_a_row_of_frames_and_a_film_of_them():
  batch = {"video": integers(VIDEO, 2), "tokens": np.ones((2, 5), int)}
  fields = {"video": VIDEO, "tokens": WORDS}
  row = kinds.videos("video", batch, VIDEO)
  scale = kinds.FRAME // 4
  for t in range(3):
    frame = row[:, ::scale, t * (4 * scale + 1) :][:, :, : 4 * scale : scale]
    np.testing.assert_array_equal(frame, batch["video"][:, t])
  assert (row[:, :, 4 * scale] == GRAY).all() and row.shape[2] == 3 * 4 * scale + 2
  frames = film(batch, fields)
  still = {"video": RGB._replace(shape=(4, 4, 3)), "tokens": WORDS}
  for t in range(3):
    expected = show(batch | {"video": batch["video"][:, t]}, still)
    np.testing.assert_array_equal(frames[t], expected)
  assert film({"image": integers(RGB)}, {"image": RGB}) is None


def test_a_long_video_shows_its_first_frame_and_its_last():
  field = VIDEO._replace(shape=(20, 4, 4, 3))
  x = integers(field, 1)
  row = kinds.videos("video", {"video": x}, field)
  scale = kinds.FRAME // 4
  np.testing.assert_array_equal(row[0, ::scale, : 4 * scale : scale], x[0, 0])
  np.testing.assert_array_equal(row[0, ::scale, -4 * scale :: scale], x[0, -1])
  assert row.shape[2] == kinds.FRAMES * (4 * scale + 1) - 1


def test_saved_videos_move(tmp_path):
  batch, fields = {"video": integers(VIDEO, 2)}, {"video": VIDEO}
  picture = save_shown(tmp_path / "a.png", batch, fields)
  np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), picture)
  with Image.open(tmp_path / "a.webp") as saved:
    assert saved.n_frames == 3
  save_shown(tmp_path / "b.png", {"image": integers(RGB)}, {"image": RGB})
  assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "a.webp", "b.png"]


def test_classes_of_a_map_have_colours_far_from_each_other():
  x = integers(MAP)
  np.testing.assert_array_equal(show({"map": x}, {"map": MAP}), grid(palette(5)[x], 256))
  assert len(palette(5)) == 5 and (palette(5)[0] == 0).all()
  pairs = itertools.combinations(palette(9).astype(int), 2)
  assert min(np.abs(a - b).max() for a, b in pairs) > 30


def test_boxes_are_drawn_where_they_are():
  black = np.zeros((1, 8, 8, 3), np.uint8)
  boxes = np.array([[[0.25, 0.5, 0.75, 1.0], [0.5, 0.5, 0.5, 0.9]]])
  classes = np.array([[3, 2]])
  tile = kinds.boxed(black, boxes, classes)[0]
  assert tile.shape == (128, 128, 3)
  drawn = (tile == palette(4)[3]).all(-1)
  rows, columns = np.nonzero(drawn)
  assert (rows.min(), rows.max(), columns.min(), columns.max()) == (64, 127, 32, 95)
  # An outline of two pixels; the box without area is not drawn.
  inside = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
  assert inside[:2].all() and inside[:, :2].all() and not inside[2:-2, 2:-2].any()
  assert (tile.any(-1) == drawn).all()
  fields = {
    "image": RGB,
    "boxes": Field((2, 4), np.float32, kind="boxes"),
    "classes": Field((2,), np.int32, 4, ("none", *"abc"), ordered=False),
  }
  batch = {"image": black, "boxes": boxes, "classes": classes}
  np.testing.assert_array_equal(show(batch, fields), grid(tile[None], 256))
  # Boxes of one class, where none are told.
  alone = {"image": black, "boxes": boxes}
  one = kinds.boxed(black, boxes, np.ones((1, 2), int))
  np.testing.assert_array_equal(show(alone, fields), grid(one, 256))


def test_clouds_and_meshes_have_two_views(tmp_path):
  points = RNG.normal(size=(3, 20, 3))
  field = Field((20, 3), np.float32, kind="points")
  np.testing.assert_array_equal(
    show({"points": points}, {"points": field}), grid(clouds(points), 256)
  )
  fields = {
    "vertices": Field((3, 3), np.int32, 16, kind="mesh"),
    "vertices_mask": Field((3,), np.bool_, 2),
    "faces": Field((4,), np.int32, 5, ordered=False, kind="tokens"),
  }
  batch = {
    "vertices": np.array([[[0, 0, 0], [0, 9, 9], [9, 0, 9]]]),
    "vertices_mask": np.ones((1, 3), bool),
    "faces": np.array([[2, 3, 4, 0]]),
  }
  np.testing.assert_array_equal(show(batch, fields), grid(meshes(*batch.values()), 256))
  save_shown(tmp_path / "a.png", batch, fields)
  text = (tmp_path / "a.obj").read_text()
  assert text == "o mesh_0\nv 0 0 0\nv 9 0 -9\nv 9 9 0\nf 1 2 3\n"
  of_vertices = {"vertices": batch["vertices"]}
  np.testing.assert_array_equal(show(of_vertices, fields), grid(meshes(batch["vertices"]), 256))
  save_shown(tmp_path / "b.png", of_vertices, fields)
  assert not (tmp_path / "b.obj").exists()
