"""Networks that measure, committed as files that are named by their hash: numbers name it too."""

from collections.abc import Mapping
import hashlib
import io
import json
from pathlib import Path

from flax.traverse_util import flatten_dict, unflatten_dict
import numpy as np

from genjax_zoo.core import UserError


def write(folder: Path, name: str, params, about: Mapping) -> Path:
  """The file NAME-HASH.npz of parameters, in float16, and of a description `about`.

  It replaces NAME's earlier one.
  """
  arrays = {k: np.asarray(x, np.float16) for k, x in flatten_dict(params, sep="/").items()}
  buffer = io.BytesIO()
  np.savez_compressed(buffer, about=json.dumps(about), **arrays)
  content = buffer.getvalue()
  for old in folder.glob(f"{name}-*.npz"):
    old.unlink()
  file = folder / f"{name}-{hashlib.sha256(content).hexdigest()[:8]}.npz"
  file.write_bytes(content)
  return file


def read(file: Path) -> tuple[str, dict, dict]:
  """("NAME@sha256:HASH", parameters in float32, about) of a file.

  Raises UserError when the file is not the one that its name says.
  """
  content = file.read_bytes()
  name, _, digest = file.stem.rpartition("-")
  if not hashlib.sha256(content).hexdigest().startswith(digest):
    raise UserError(f"{file} is damaged: its hash is not the one in its name; fetch it again")
  arrays = dict(np.load(io.BytesIO(content)))
  about = json.loads(str(arrays.pop("about")))
  params = unflatten_dict({tuple(k.split("/")): x.astype(np.float32) for k, x in arrays.items()})
  return f"{name}@sha256:{digest}", params, about
