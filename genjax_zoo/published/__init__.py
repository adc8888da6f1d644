"""Trained models in the package: `genjax_zoo.load("pretrained:vae_digits").sample(16)`.

Each is two files: NAME.npz with the weights, floats as float16 where that holds them, and NAME.json
with the config, the description of the data, the evaluation measured from these very weights, and
the hash of NAME.npz. `--mode=publish --workdir=RUN` makes them.
"""

from collections.abc import Iterator
import hashlib
import io
import json
from pathlib import Path

import jax
import numpy as np

from genjax_zoo.core import UserError, nearest
from genjax_zoo.log import write_json

FOLDER = Path(__file__).parent
PREFIX = "pretrained:"


def pretrained(folder: Path = FOLDER) -> dict[str, str]:
  """{name: what it is} of the trained models in the package, for `load("pretrained:NAME")`."""
  found = {}
  for file in sorted(folder.glob("*.json")):
    evaluation = json.loads(file.read_text(encoding="utf-8"))["evaluation"]
    size = file.with_suffix(".npz").stat().st_size / 1e6
    found[file.stem] = f"{evaluation['model']} on {evaluation['data']}, {size:.2f} MB"
  return found


def write(folder: Path, name: str, tree, about: dict) -> Path:
  """Writes the files NAME.npz of a tree of arrays and NAME.json of `about`; returns the first."""
  buffer = io.BytesIO()
  np.savez_compressed(buffer, **{key: halved(np.asarray(x)) for key, x in named(tree)})
  content = buffer.getvalue()
  folder.mkdir(parents=True, exist_ok=True)
  (folder / f"{name}.npz").write_bytes(content)
  write_json(folder / f"{name}.json", {"sha256": hashlib.sha256(content).hexdigest()} | about)
  return folder / f"{name}.npz"


def read(folder: Path, name: str) -> tuple[dict[str, np.ndarray], dict]:
  """(arrays by the name of their place in the tree, `about`) of NAME.

  Raises UserError for a name that is not there, and when the arrays are not those of the hash.
  """
  if not (folder / f"{name}.json").is_file():
    known = [file.stem for file in sorted(folder.glob("*.json"))]
    raise UserError(
      f"there is no pretrained {name!r}{nearest(name, known)}; genjax_zoo.pretrained() lists them: "
      f"{', '.join(known) or 'none'}"
    )
  about = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
  file = folder / f"{name}.npz"
  content = file.read_bytes() if file.is_file() else b""
  if hashlib.sha256(content).hexdigest() != about["sha256"]:
    raise UserError(f"{file} is damaged: its hash is not the one in {name}.json; install it again")
  return dict(np.load(io.BytesIO(content), allow_pickle=False)), about


def named(tree) -> Iterator[tuple[str, object]]:
  """(name of its place, leaf) of every leaf of a tree: ("weights/decoder/0/kernel", array)."""
  for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
    yield jax.tree_util.keystr(path, simple=True, separator="/"), leaf


def halved(x: np.ndarray) -> np.ndarray:
  """Real numbers as float16 where they all fit into it; other arrays as they are."""
  if not np.issubdtype(x.dtype, np.floating):
    return x
  with np.errstate(over="ignore"):
    half = x.astype(np.float16)
  return half if np.isfinite(half).all() else x
