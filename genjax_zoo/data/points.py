"""Point clouds, drawn uniformly on surfaces: of procedural solids, of mesh files, of voxels."""

import functools
import gzip
import math
from pathlib import Path
import zlib

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import mesh_files, surfaces, table
from genjax_zoo.data.cache import in_memory
from genjax_zoo.data.dataset import Dataset, Source, found_line, hold_out
from genjax_zoo.data.meshes import FITS, fitting
from genjax_zoo.data.solids import FLAT, ROUND

FAMILIES = ("box", "cylinder", "cone", "ellipsoid", "torus", "table", "chair")
VOXELS = (".npy", ".npy.gz")


def load(
  name: str, *, examples: int = 4000, points: int = 128, surface: int = 0, seed: int = 0
) -> Dataset:
  """`examples` clouds of solids of seven families with random proportions, and a tenth to test.

  "points" float32 [points, 3] are uniform on the surface of a solid, z up, scaled so that the
  longest side of its bounding box is [-1, 1]; "label" is the family. "surface" [surface, 3], if
  asked for, are more points of the same, to measure how near a cloud is to it. Raises UserError
  under 10 examples.
  """
  if examples < 10:
    raise UserError(f"data.examples={examples}: take 10 or more, a tenth as many are for testing")
  rng = np.random.default_rng(seed)
  solids = FLAT | ROUND
  label = rng.integers(len(FAMILIES), size=examples + examples // 10).astype(np.int32)
  dense_rng = np.random.default_rng((seed, 1))  # So that "points" are the same without "surface".
  clouds, dense = [], []
  for family in label:
    triangles = surfaces.triangles(solids[FAMILIES[family]](rng))
    clouds.append(cloud_on(rng, triangles, points))
    if surface:
      dense.append(cloud_on(dense_rng, triangles, surface))
  arrays = {"points": np.stack(clouds), "label": label}
  if surface:
    arrays["surface"] = np.stack(dense)
  parts = {"train": slice(examples), "test": slice(examples, None)}
  splits = {split: {k: x[rows] for k, x in arrays.items()} for split, rows in parts.items()}
  return dataset(name, fields_of(points, FAMILIES, surface), splits)


def dataset(name: str, fields: dict[str, Field], splits: dict, found: str = "") -> Dataset:
  """The data set of clouds, with their units: models see them standardised (standardize.py)."""
  units = table.units(name, "points", splits["train"]["points"], kind="points", main=True)
  clouds = fields.keys() & {"points", "surface"}
  fields = fields | {key: fields[key]._replace(**units) for key in clouds}
  return Dataset(name, fields, splits, found=found)


def fields_of(points: int, classes, surface: int = 0) -> dict[str, Field]:
  """The entries of clouds of so many points."""
  cloud = lambda points: Field((points, 3), np.float32, ordered=False, kind="points")
  fields = {"points": cloud(points)} | ({"surface": cloud(surface)} if surface else {})
  if classes:
    fields["label"] = Field((), np.int32, len(classes), tuple(classes), ordered=False)
  return fields


def load_path(name: str, *, points: int = 128, up: str | None = None, seed: int = 0) -> Dataset:
  """Clouds of the shapes at `points:PATH`, scaled as those of `load`, one of each shape.

  PATH is a folder of OBJ, PLY and OFF files, as `meshes:PATH`; or a file of voxels, .npy or .npy.gz
  with an array [N, X, Y, Z] or [N, 1, X, Y, Z] that is positive where a shape is, z up; or a folder
  of such files, each a class. Shapes without a surface are left out; `Dataset.found` says how many.
  `up` is the axis of mesh files that points up. Raises UserError naming the file that can't be
  read.
  """
  root = Path(name.partition(":")[2]).expanduser()
  voxels = voxel_files(root)
  if voxels:
    paths = voxels
    classes = [class_name(path) for path in voxels]
    rows = lambda path: range(len(occupied(name, path)))
    files = {"train": [((path, i), class_name(path)) for path in paths for i in rows(path)]}
    triangles_of = lambda item: surfaces.voxel_triangles(occupied(name, item[0])[item[1]])
  else:
    files, classes = mesh_files.files_of_splits(name)
    paths = [path for found in files.values() for path, _ in found]
    triangles_of = lambda path: surfaces.triangles(mesh_files.read_mesh(name, path, up))
  fields = fields_of(points, classes)

  def read(numbered):
    number, (item, label) = numbered
    triangles = triangles_of(item)
    kept = surfaces.has_area(triangles)
    rng = np.random.default_rng((seed, number))
    cloud = cloud_on(rng, triangles, points) if kept else np.zeros((points, 3), np.float32)
    about = {"label": np.int32(classes.index(label))} if classes else {}
    return {"points": cloud, "fits": np.bool_(kept)} | about

  sources = {split: Source(list(enumerate(found)), read) for split, found in files.items()}
  arrays = in_memory(sources, fields | FITS, f"points-{up}-{seed}", paths, math.inf)
  kept, notes = fitting(name, arrays, "without a surface")
  splits = hold_out(kept, seed)
  line = found_line(name, fields, splits, drawn=len(files) == 1, notes=notes)
  return dataset(name, fields, splits, line)


def cloud_on(rng, triangles, points: int) -> np.ndarray:
  """Points uniform on a surface of triangles [T, 3, 3] whose longest side is scaled to [-1, 1]."""
  return surfaces.sample(rng, surfaces.normalized(triangles), points)


def voxel_files(path: Path) -> list[Path]:
  """The files of voxels that a path is or holds, in order of name."""
  paths = sorted(path.iterdir()) if path.is_dir() else [path]
  return [path for path in paths if path.is_file() and path.name.lower().endswith(VOXELS)]


def class_name(path: Path) -> str:
  """The name of a file of voxels without ".npy.gz"."""
  return path.name.partition(".")[0]


@functools.lru_cache(maxsize=1)
def occupied(name: str, path: Path) -> np.ndarray:
  """The voxels of a file, bool [N, X, Y, Z]. Raises UserError where it can't be read as such."""
  try:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
      voxels = np.load(file)
  except (OSError, ValueError, EOFError, zlib.error) as e:
    raise UserError(f"{name}: {path} can't be read as an array: {e}") from e
  if voxels.ndim == 5 and voxels.shape[1] == 1:
    voxels = voxels[:, 0]
  if voxels.ndim != 4 or voxels.dtype.kind not in "buif":
    shape = f"{voxels.dtype}{list(voxels.shape)}"
    raise UserError(f"{name}: {path} holds {shape}, not numbers [N, X, Y, Z]")
  return voxels > 0
