"""Polygon meshes as integers: procedural solids, and a user's own OBJ, PLY and OFF files.

The entries "vertices", "vertices_mask", "faces" and "faces_mask" are explained in mesh_tokens.py.
With `voxels` = n there is the entry "voxels" too, uint8 [n, n, n, 1] in (z, y, x), which is
1 where the surface passes.
"""

from collections.abc import Sequence
import hashlib
import math

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import mesh_rules, surfaces
from genjax_zoo.data.cache import in_memory
from genjax_zoo.data.dataset import Dataset, Source, found_line, hold_out, take
from genjax_zoo.data.mesh_files import files_of_splits, read_mesh
from genjax_zoo.data.mesh_tokens import FIRST, encode, fits, quantize
from genjax_zoo.data.solids import FLAT, Mesh

# What the largest procedural meshes need: a table of five boxes.
MOST_VERTICES = 40
MOST_TOKENS = 150
MIN_BITS, MAX_BITS = 5, 10
PIECES = 5  # Of the warp of an axis,
WARP = 0.5  # and the standard deviation of the logarithm of their slopes.


def load(
  name: str, *, examples: int = 4000, bits: int = 6, voxels: int = 0, seed: int = 0
) -> Dataset:
  """`examples` closed solids of eight families with random proportions, and a tenth to test.

  "label" is the family. Coordinates have 2^bits levels. Of all meshes that can occur, one of eleven
  (by a hash with `seed`) is only in the test split, so no test mesh is in the training set.
  truth["uniform_bits"] are the bits a vertex of tokens drawn evenly among the valid ones. Raises
  UserError under 10 examples, and for bits not in [5, 10].
  """
  check_bits(bits)
  if examples < 10:
    raise UserError(f"data.examples={examples}: take 10 or more, a tenth as many are for testing")
  rng = np.random.default_rng(seed)
  sizes = {"train": examples, "test": examples // 10}
  rows = {split: [] for split in sizes}
  while any(len(rows[split]) < n for split, n in sizes.items()):
    label = rng.integers(len(FLAT))
    mesh = list(FLAT.values())[label](rng)
    quantized = quantize(mesh, 2**bits)
    if not intact(mesh, quantized):
      continue
    split = "test" if is_held_out(quantized, seed) else "train"
    if len(rows[split]) < sizes[split]:
      arrays = encode(quantized, MOST_VERTICES, MOST_TOKENS) | shown(quantized, 2**bits, voxels)
      rows[split].append(arrays | {"label": np.int32(label)})
  splits = {split: take(Source(found, dict), range(len(found))) for split, found in rows.items()}
  return dataset(name, fields_of(MOST_VERTICES, MOST_TOKENS, bits, tuple(FLAT), voxels), splits)


def shown(mesh: Mesh, levels: int, voxels: int) -> dict[str, np.ndarray]:
  """The entry "voxels" of a quantized mesh; {} for none."""
  if not voxels:
    return {}
  scaled = mesh._replace(vertices=mesh.vertices / (levels - 1))
  triangles = surfaces.triangles(scaled) if mesh.faces else np.zeros((0, 3, 3))
  return {"voxels": surfaces.cells(triangles, voxels)[..., None].astype(np.uint8)}


def check_bits(bits: int):
  """Raises UserError where coordinates are too coarse for a table, or too fine for int32."""
  if not MIN_BITS <= bits <= MAX_BITS:
    raise UserError(f"data.bits={bits}: take {MIN_BITS} to {MAX_BITS}")


def intact(mesh: Mesh, quantized: Mesh) -> bool:
  """Whether quantization has merged no vertices and lost no face."""
  sizes = lambda mesh: (len(mesh.vertices), len(mesh.faces))
  return sizes(mesh) == sizes(quantized)


def is_held_out(mesh: Mesh, seed: int) -> bool:
  """Whether a mesh is one of the eleventh of all meshes that are for testing."""
  content = repr((seed, mesh.vertices.tolist(), mesh.faces)).encode()
  return hashlib.sha256(content).digest()[0] % 11 == 0


def fields_of(
  vertices: int, tokens: int, bits: int, classes: Sequence[str], voxels: int
) -> dict[str, Field]:
  """The entries of meshes of at most so many vertices and tokens of faces."""
  fields = {
    "vertices": Field((vertices, 3), np.int32, 2**bits, kind="mesh"),
    "vertices_mask": Field((vertices,), np.bool_, 2),
    "faces": Field((tokens,), np.int32, FIRST + vertices, ordered=False, kind="tokens"),
    "faces_mask": Field((tokens,), np.bool_, 2),
  }
  if voxels:
    fields["voxels"] = Field((voxels, voxels, voxels, 1), np.uint8, 2, kind="voxels")
  if classes:
    fields["label"] = Field((), np.int32, len(classes), tuple(classes), ordered=False)
  return fields


def dataset(name: str, fields: dict[str, Field], splits: dict) -> Dataset:
  """The data set of meshes as arrays."""
  levels = fields["vertices"].num_values
  truth = {"uniform_bits": mesh_rules.uniform_bits(splits["test"], levels)}
  return Dataset(name, fields, splits, truth=truth, judge=mesh_rules.judge)


def load_folder(
  name: str,
  *,
  bits: int = 6,
  vertices: int = 100,
  tokens: int = 400,
  copies: int = 0,
  voxels: int = 0,
  up: str | None = None,
  seed: int = 0,
) -> Dataset:
  """The OBJ, PLY and OFF files of `meshes:PATH`, in folders as `folder:PATH` has them.

  Meshes with more than `vertices` vertices or `tokens` tokens of faces, after quantization to
  2^bits levels, are left out; `Dataset.found` says how many. `copies` more of each training mesh
  are stretched and warped along the axes, see `varied`. `up` is the axis "y" or "z" of the
  files that points up, by default y in OBJ files and z in others. Raises UserError naming the file
  that can't be read, and where no mesh of a split fits.
  """
  check_bits(bits)
  files, classes = files_of_splits(name)
  fields = fields_of(vertices, tokens, bits, classes, voxels)
  nothing = Mesh(np.zeros((0, 3), int), [])

  def read(item):
    (path, label), number, copy = item
    mesh = read_mesh(name, path, up)
    if copy:
      rng = np.random.default_rng((seed, number, copy))
      mesh = mesh._replace(vertices=varied(mesh.vertices, rng))
    mesh = quantize(mesh, 2**bits)
    kept = fits(mesh, vertices, tokens)
    mesh = mesh if kept else nothing
    about = {"label": np.int32(classes.index(label))} if classes else {}
    about |= shown(mesh, 2**bits, voxels) | {"fits": np.bool_(kept)}
    return encode(mesh, vertices, tokens) | about

  items = with_copies(files, copies, seed)
  sources = {split: Source(found, read) for split, found in items.items()}
  paths = [path for found in files.values() for path, _ in found]
  options = f"{bits}-{copies}-warped-{voxels}-{up}-{seed}"
  arrays = in_memory(sources, fields | FITS, f"meshes-{options}", paths, math.inf)
  limits = f"with more than {vertices} vertices or {tokens} tokens of faces"
  splits, notes = fitting(name, arrays, limits)
  line = found_line(name, fields, splits, drawn=len(files) == 1, notes=notes)
  return dataset(name, fields, splits)._replace(found=line)


def varied(vertices, rng) -> np.ndarray:
  """Vertices [V, 3], z up, with each axis warped and then stretched by a factor in (0.75, 1.25).

  (As PolyGen's training meshes, 2002.10880, appendix A.) A warp is piecewise linear, with PIECES
  slopes that are log-normal, symmetric about the middle along x and y; it keeps the ends.
  """
  columns = []
  for axis, x in enumerate(np.asarray(vertices, float).T):
    slopes = rng.lognormal(0, WARP, PIECES)
    slopes = slopes if axis == 2 else slopes + slopes[::-1]
    knots = np.linspace(x.min(), x.max(), PIECES + 1)
    heights = np.concatenate([[0], np.cumsum(slopes)]) / slopes.sum()
    warped = np.interp(x, knots, x.min() + np.ptp(x) * heights)
    columns.append(warped * rng.uniform(0.75, 1.25))
  return np.column_stack(columns)


def with_copies(files: dict[str, list], copies: int, seed: int) -> dict[str, list]:
  """{split: [(file, number, copy)]}, with a test split; copy 0 is the mesh as it is in the file.

  The others are for training.
  """
  splits = hold_out({split: Source(found, tuple) for split, found in files.items()}, seed)
  numbers = {split: range(1 + copies) if split == "train" else range(1) for split in splits}
  return {
    split: [(source[i], i, copy) for i in range(len(source)) for copy in numbers[split]]
    for split, source in splits.items()
  }


# Whether an example is one: what does not fit is read once and cached as zeros.
FITS = {"fits": Field((), np.bool_, 2)}


def fitting(name: str, splits: dict[str, dict], fault: str) -> tuple[dict, list[str]]:
  """The examples whose entry "fits" is true, without it, and notes on those that are left out.

  `fault` says what is wrong with them. Raises UserError where none of a split is left.
  """
  notes = []
  for split, arrays in splits.items():
    fits = arrays["fits"]
    if not fits.any():
      raise UserError(f"{name}: no shape for {split!r} is left: all {len(fits)} are {fault}")
    if not fits.all():
      notes.append(f"left out of {split}: {np.count_nonzero(~fits):,} of {len(fits):,}, {fault}")
  kept = {
    split: {k: x[arrays["fits"]] for k, x in arrays.items() if k != "fits"}
    for split, arrays in splits.items()
  }
  return kept, notes
