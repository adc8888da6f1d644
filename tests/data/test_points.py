"""Point clouds: of known solids, of mesh files and of voxels."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import load, points
from genjax_zoo.data.dataset import count, kind_of, main_entry

SHARED = Path(__file__).parents[3] / "shared"  # Beside the checkout, where there is one.
VOXELS = SHARED / "data/voxels"
TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_procedural_clouds():
  dataset = load("points", examples=200, points=64)
  assert {s: count(x) for s, x in dataset.splits.items()} == {"train": 200, "test": 20}
  assert main_entry(dataset.fields) == "points" and kind_of(dataset.fields["points"]) == "points"
  x, label = (dataset.splits["train"][k] for k in ("points", "label"))
  assert x.shape == (200, 64, 3) and x.dtype == np.float32
  assert np.abs(x).max() <= 1 + 1e-6 and set(label) == set(range(7))
  assert dataset.fields["label"].names == points.FAMILIES
  # No test shape is a training shape.
  clouds = np.concatenate([arrays["points"] for arrays in dataset.splits.values()])
  assert len(np.unique(np.sort(clouds.reshape(220, -1)), axis=0)) == 220
  # One unit of length: standardised clouds have variance 1, and the shapes they had.
  field = dataset.fields["points"]
  assert len(set(field.sd)) == 1
  y = (x - np.array(field.mean)[None, None]) / field.sd[0]
  np.testing.assert_allclose(y.mean((0, 1)), 0, atol=1e-5)
  assert y.var() == pytest.approx(1, rel=1e-4)
  # Points on a box lie on one of its sides: some coordinate is one that many points share.
  boxes = x[label == points.FAMILIES.index("box")]
  extent = np.abs(boxes).max(1, keepdims=True)
  assert (np.isclose(np.abs(boxes), extent, rtol=0.02).any(-1)).mean() > 0.98


def test_more_points_are_of_the_same_surface_and_change_no_others():
  plain, dense = (load("points", examples=20, **more) for more in ({}, {"surface": 2000}))
  fields, rows = dense.fields, dense.splits["test"]
  np.testing.assert_array_equal(rows["points"], plain.splits["test"]["points"])
  assert rows["surface"].shape == (2, 2000, 3) and "surface" not in plain.fields
  assert fields["surface"].sd == fields["points"].sd and main_entry(fields) == "points"
  squared = ((rows["points"][:, :, None] - rows["surface"][:, None]) ** 2).sum(-1)
  assert np.sqrt(squared.min(-1)).max() < 0.25  # None is far from all of 2,000.


def test_clouds_follow_the_seed():
  first, same, other = (load("points", examples=20, seed=s).splits["test"] for s in (0, 0, 1))
  np.testing.assert_array_equal(first["points"], same["points"])
  assert not np.array_equal(first["points"], other["points"])
  with pytest.raises(UserError, match="10 or more"):
    load("points", examples=9)


def test_clouds_of_mesh_files(tmp_path):
  """Triangles in the plane z = const. of y-up files: upright, right-angled, in [-1, 1]."""
  for kind in "ab":
    (tmp_path / kind).mkdir()
    for i in range(10):
      (tmp_path / kind / f"{i}.obj").write_text(TRIANGLE)
  (tmp_path / "a" / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n")
  dataset = load(f"points:{tmp_path}", points=50)
  assert "left out of train: 1 of 21, without a surface" in dataset.found
  assert dataset.fields["label"].names == ("a", "b")
  assert {s: count(x) for s, x in dataset.splits.items()} == {"train": 18, "test": 2}
  x = dataset.splits["train"]["points"]
  assert (x[..., 1] == 0).all() and (x[..., 0] + x[..., 2] <= 1e-5).all()
  assert len(np.unique(x[:, 0, 0])) == 18  # Each has points of its own.
  turned = load(f"points:{tmp_path}", points=50, up="z").splits["train"]["points"]
  assert (turned[..., 2] == 0).all()


def test_clouds_of_voxels(tmp_path):
  """Full 2 x 2 x 4 blocks: their surface is that of a box; the first, empty one is left out."""
  blocks = np.zeros((30, 1, 6, 6, 6))
  blocks[1:, 0, 2:4, 2:4, 1:5] = 1
  with gzip.open(tmp_path / "block.npy.gz", "wb") as file:
    np.save(file, blocks)
  dataset = load(f"points:{tmp_path / 'block.npy.gz'}", points=40)
  assert "1 of 30, without a surface" in dataset.found
  x = np.concatenate([split["points"] for split in dataset.splits.values()])
  assert x.shape == (29, 40, 3) and dataset.fields["label"].names == ("block",)
  on = np.isclose(np.abs(x), np.array([0.5, 0.5, 1])[None, None], atol=1e-5)
  assert on.any(-1).all() and (np.abs(x) <= [[[0.50001, 0.50001, 1.00001]]]).all()
  np.save(tmp_path / "other.npy", blocks[:5, 0])
  assert load(f"points:{tmp_path}").fields["label"].names == ("block", "other")


def test_broken_voxels_are_named(tmp_path):
  (tmp_path / "bad.npy").write_bytes(b"nothing")
  with pytest.raises(UserError, match=r"bad\.npy can't be read as an array"):
    load(f"points:{tmp_path}")
  np.save(tmp_path / "bad.npy", np.zeros((3, 4)))
  with pytest.raises(UserError, match=r"bad\.npy holds float64\[3, 4\]"):
    load(f"points:{tmp_path}")
  with pytest.raises(UserError, match="no such folder"):
    load(f"points:{tmp_path / 'none'}")


@pytest.mark.slow
@pytest.mark.skipif(not VOXELS.exists(), reason="needs the ModelNet10 voxels")
def test_real_voxels():
  dataset = load(f"points:{VOXELS}")
  assert dataset.fields["label"].names == ("chair", "monitor")
  assert sum(map(count, dataset.splits.values())) == 889 + 465
  assert "2 of 1,356" in dataset.found
