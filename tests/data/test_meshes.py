"""Procedural meshes and mesh files: valid, as they were written, and never in two splits."""

from pathlib import Path
import sys
import tarfile

import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import load, mesh_files
from genjax_zoo.data.dataset import count, kind_of, main_entry
from genjax_zoo.data.mesh_tokens import encode, quantize
from genjax_zoo.data.meshes import varied
from genjax_zoo.data.solids import FLAT

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
SHARED = Path(__file__).parents[3] / "shared"  # Beside the checkout, where there is one.
REAL = SHARED / "data/meshes/kaykit_obj.tar.xz"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def rows(examples):
  entries = ("vertices", "vertices_mask", "faces")
  return {b"".join(x.tobytes() for x in row) for row in zip(*(examples[k] for k in entries))}


def test_procedural_meshes_are_valid_and_test_meshes_are_new():
  dataset = load("meshes", examples=300)
  assert {s: count(x) for s, x in dataset.splits.items()} == {"train": 300, "test": 30}
  for examples in dataset.splits.values():
    assert all((x == 1).all() for x in dataset.judge(examples, {}).values())
  assert not rows(dataset.splits["train"]) & rows(dataset.splits["test"])
  assert main_entry(dataset.fields) == "vertices"
  assert kind_of(dataset.fields["vertices"]) == "mesh"
  assert dataset.fields["label"].names == tuple(FLAT)
  assert len(np.unique(dataset.splits["train"]["label"])) == len(FLAT)
  for name, field in dataset.fields.items():
    x = dataset.splits["train"][name]
    assert x.shape[1:] == field.shape and x.dtype == field.dtype and x.max() < field.num_values
  mask = dataset.splits["train"]["faces_mask"]
  assert (dataset.splits["train"]["faces"][~mask] == 0).all()
  assert ((dataset.splits["train"]["faces"] == 0) & mask).sum() == 300  # One STOP each.


def test_voxels_are_those_of_the_quantized_surface():
  """Every vertex is in an occupied cell, and all is as high as the mesh."""
  dataset = load("meshes", examples=20, voxels=8)
  rows = dataset.splits["train"]
  assert dataset.fields["voxels"].shape == rows["voxels"].shape[1:] == (8, 8, 8, 1)
  for vertices, mask, voxels in zip(*(rows[k] for k in ("vertices", "vertices_mask", "voxels"))):
    cells = (vertices[mask] / 63 * 8).clip(0, 7).astype(int)
    assert voxels[(*cells.T, 0)].all()
    occupied = np.argwhere(voxels[..., 0])
    np.testing.assert_array_equal(occupied.max(0), cells.max(0))
    np.testing.assert_array_equal(occupied.min(0), cells.min(0))


def test_procedural_meshes_follow_the_seed():
  first, same, other = (load("meshes", examples=20, seed=s).splits["train"] for s in (0, 0, 1))
  np.testing.assert_array_equal(first["faces"], same["faces"])
  assert rows(first) != rows(other)


def test_the_uniform_baseline_is_that_of_the_test_split():
  """Prototype runs gave 15.5 and 13.8 bits a vertex for such data."""
  found = load("meshes", examples=2000).truth["uniform_bits"]
  assert 15 < found["vertices"] < 16 and 13 < found["faces"] < 14.5


def test_wrong_options_are_refused():
  for options in ({"bits": 3}, {"bits": 11}, {"examples": 9}):
    with pytest.raises(UserError):
      load("meshes", **options)


def write_obj(path, mesh):
  """An OBJ file, y up, with normals and texture coordinates in its faces."""
  x, y, z = mesh.vertices.T
  lines = [f"v {a} {b} {c}" for a, b, c in zip(x, z, -y)]
  lines += ["vn 0 0 1", "f " + " ".join(f"{i + 1}/1/1" for i in mesh.faces[0]), "s off"]
  lines += ["f " + " ".join(f"{i - len(x)}//1" for i in face) for face in mesh.faces[1:]]
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text("# comment\no thing\n" + "\n".join(lines))


def test_obj_files_keep_their_polygons(tmp_path):
  for i, family in enumerate(FLAT):
    mesh = FLAT[family](np.random.default_rng(i))
    write_obj(tmp_path / "m.obj", mesh)
    read = mesh_files.read_mesh("", tmp_path / "m.obj")
    np.testing.assert_allclose(read.vertices, mesh.vertices)
    assert [tuple(face) for face in read.faces] == [tuple(face) for face in mesh.faces]
    mesh_files.read_mesh.cache_clear()


def test_written_meshes_are_read_as_they_were_side_by_side(tmp_path):
  made = [quantize(FLAT[family](np.random.default_rng(i)), 64) for i, family in enumerate(FLAT)]
  made = [mesh._replace(vertices=mesh.vertices[:, ::-1]) for mesh in made]  # As (x, y, z).
  mesh_files.write_obj(tmp_path / "out/some.obj", made)
  read = mesh_files.read_mesh("", tmp_path / "out/some.obj")
  first, left = 0, -np.inf
  faces = iter(read.faces)
  for mesh in made:
    own = read.vertices[first : first + len(mesh.vertices)]
    moved = own - mesh.vertices
    np.testing.assert_allclose(moved, moved[:1] * np.array([[1, 0, 0]]) + 0 * moved, atol=1e-9)
    assert own[:, 0].min() > left
    left = own[:, 0].max()
    for face in mesh.faces:
      assert next(faces) == [first + i for i in face]
    first += len(own)
  assert next(faces, None) is None and first == len(read.vertices)


@pytest.mark.parametrize(
  "text, reason",
  [
    ("v 0 0\nf 1 2 3", "line 1, 'v 0 0'"),
    (TRIANGLE + "f 1 x 3", "line 5, 'f 1 x 3'"),
    (TRIANGLE + "f 1 2 4", "vertex 4, and its vertices are 1 to 3: mend it"),
    (TRIANGLE + "f -4 2 3", "vertex 0, and its vertices are 1 to 3"),
    ("v 0 0 nan\n" + TRIANGLE, "not finite"),
    ("v 0 0 0\n", "1 vertices and 0 faces"),
    ("", "0 vertices and 0 faces"),
  ],
)
def test_a_broken_file_is_named_with_its_fault(tmp_path, text, reason):
  for i in range(3):
    (tmp_path / f"good{i}.obj").write_text(TRIANGLE)
  (tmp_path / "broken.obj").write_text(text)
  with pytest.raises(UserError, match=r"broken\.obj") as e:
    load(f"meshes:{tmp_path}")
  assert reason in str(e.value) and "\n" not in str(e.value)


def test_triangles_of_ply_and_off_files(tmp_path):
  pytest.importorskip("trimesh")
  (tmp_path / "a.off").write_text("OFF\n4 1 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3\n")
  header = "ply\nformat ascii 1.0\nelement vertex 3\n"
  header += "".join(f"property float {a}\n" for a in "xyz")
  header += "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
  (tmp_path / "b.ply").write_text(header + "0 0 0\n1 0 0\n0 0 1\n3 0 1 2\n")
  square = mesh_files.read_mesh("", tmp_path / "a.off")
  assert len(square.vertices) == 4 and sorted(map(len, square.faces)) == [3, 3]
  upright = mesh_files.read_mesh("", tmp_path / "b.ply")
  assert upright.faces == [[0, 1, 2]] and upright.vertices[2].tolist() == [0, 0, 1]
  (tmp_path / "c.ply").write_bytes(b"\0\1\2")
  with pytest.raises(UserError, match=r"c\.ply can't be read as a mesh"):
    mesh_files.read_mesh("", tmp_path / "c.ply")


def test_without_trimesh_the_error_says_what_to_install(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, "trimesh", None)
  (tmp_path / "a.off").write_text("OFF\n")
  with pytest.raises(UserError, match=r"a\.off: this needs trimesh: pip install -e '\.\[mesh"):
    mesh_files.read_mesh("", tmp_path / "a.off")


def test_folders_are_classes_large_meshes_are_left_out_and_copies_stay_in_training(tmp_path):
  rng = np.random.default_rng(0)
  meshes = {"box": [FLAT["box"](rng) for _ in range(20)], "table": [FLAT["table"](rng)] * 2}
  for family, found in meshes.items():
    for i, mesh in enumerate(found):
      write_obj(tmp_path / family / f"{i}.obj", mesh)
  options = {"vertices": 30, "tokens": 50}
  once = load(f"meshes:{tmp_path}", **options)
  again = load(f"meshes:{tmp_path}", **options, copies=3)
  assert "with more than 30 vertices or 50 tokens of faces" in once.found
  assert once.fields["label"].names == ("box", "table")
  assert set(once.splits["train"]["label"]) == {0}
  train, test = (count(once.splits[s]) for s in ("train", "test"))
  assert train + test == 20 and count(again.splits["train"]) == 4 * train
  np.testing.assert_array_equal(again.splits["train"]["faces"][::4], once.splits["train"]["faces"])
  assert rows(again.splits["test"]) == rows(once.splits["test"])
  known = {encode(quantize(m, 64), 30, 50)["vertices"].tobytes() for m in meshes["box"]}
  assert {x.tobytes() for x in once.splits["train"]["vertices"]} <= known
  # Stretched and warped boxes are boxes.
  assert (again.judge(again.splits["train"], {})["valid"] == 1).all()
  with pytest.raises(UserError, match="with more than 4 vertices"):
    load(f"meshes:{tmp_path}", vertices=4)


def test_copies_are_stretched_and_warped_keep_their_order_and_are_symmetric_along_x_and_y():
  grid = np.linspace(-1, 1, 41)
  vertices = np.column_stack([grid, grid, grid]) * np.array([[1, 2, 3]])
  sizes, middles = [], []
  for seed in range(200):
    out = varied(vertices, np.random.default_rng(seed))
    assert (np.diff(out, axis=0) > 0).all()
    size = np.ptp(out, 0) / np.ptp(vertices, 0)
    assert (size > 0.75).all() and (size < 1.25).all()
    np.testing.assert_allclose(out[:, :2] + out[::-1, :2], 0, atol=1e-9)
    # Five pieces: straight within each.
    slopes = np.diff(out, axis=0).reshape(5, 8, 3)
    np.testing.assert_allclose(slopes, np.broadcast_to(slopes[:, :1], slopes.shape), rtol=1e-6)
    sizes.append(size)
    middles.append(np.abs(out[20, 2]))
  np.testing.assert_allclose(np.mean(sizes), 1, atol=0.03)
  assert np.mean(middles) > 0.1


def test_a_folder_without_meshes(tmp_path):
  with pytest.raises(UserError, match=r"too few obj/ply/off files"):
    load(f"meshes:{tmp_path}")
  with pytest.raises(UserError, match="no such folder"):
    load(f"meshes:{tmp_path / 'none'}")


@pytest.mark.skipif(not REAL.exists(), reason="needs the KayKit meshes")
def test_real_meshes(tmp_path):
  """955 files, of which 367 have at most 100 vertices at 6 bits and 298 of those 400 tokens."""
  with tarfile.open(REAL) as file:
    file.extractall(tmp_path, filter="data")
  dataset = load(f"meshes:{tmp_path}/obj")
  assert sum(map(count, dataset.splits.values())) == 298
  assert len(dataset.fields["label"].names) == 8
  found = dataset.judge(dataset.splits["train"], {})
  assert found["ordered"].mean() == found["well_formed"].mean() == 1
  assert 0.6 < found["closed"].mean() < 0.8
