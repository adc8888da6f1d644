"""The arrays of a PyTorch weight file without PyTorch, in the zip form of 1.6 and the older one.

A weight file is a pickle whose tensors refer to raw storages beside it. Only the few names that a
state dict needs are resolved: unlike `pickle.load`, reading a file of unknown origin runs none of
its code.
"""

from collections import OrderedDict
import os
import pickle
from typing import NamedTuple
import zipfile

import numpy as np

from genjax_zoo.core import UserError

MAGIC = 0x1950A86A20F9469CFC6C  # Opens a file of the older form.
STORAGES = {
  "FloatStorage": "<f4",
  "DoubleStorage": "<f8",
  "HalfStorage": "<f2",
  "LongStorage": "<i8",
  "IntStorage": "<i4",
}


class Tensor(NamedTuple):
  """A tensor as the pickle describes it: a strided view of a storage."""

  storage: tuple
  offset: int
  shape: tuple
  strides: tuple

  def array(self, storages) -> np.ndarray:
    """The array, given {key: array of the whole storage}."""
    flat = storages[self.storage[2]]
    # NumPy refuses strides that leave the buffer.
    strides = [s * flat.itemsize for s in self.strides]
    return np.ndarray(self.shape, flat.dtype, flat, self.offset * flat.itemsize, strides).copy()


class Reader(pickle.Unpickler):
  """An unpickler of state dicts and of nothing else."""

  def find_class(self, module, name):
    if (module, name) == ("collections", "OrderedDict"):
      return OrderedDict
    if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
      return lambda storage, offset, shape, strides, *_: Tensor(storage, offset, shape, strides)
    if (module, name) == ("torch._utils", "_rebuild_parameter"):
      return lambda tensor, *_: tensor
    if module == "torch" and name in STORAGES:
      return STORAGES[name]
    raise pickle.UnpicklingError(f"{module}.{name} is no part of a state dict")

  def persistent_load(self, storage):
    return storage  # ("storage", dtype, key, device, numel[, view])


def read_zip(path) -> dict[str, np.ndarray]:
  """The arrays of a zip with `data.pkl` and one file a storage."""
  with zipfile.ZipFile(path) as file:
    (index,) = (name for name in file.namelist() if name.endswith("/data.pkl"))
    with file.open(index) as data:
      tensors = Reader(data).load()
    folder = index.removesuffix("data.pkl") + "data/"
    read = lambda storage: np.frombuffer(file.read(folder + storage[2]), storage[1])
    return {k: t.array({t.storage[2]: read(t.storage)}) for k, t in tensors.items()}


def read_older(path) -> dict[str, np.ndarray]:
  """The arrays of a file of the older form: five pickles, then the storages.

  The pickles are a magic number, the protocol, the system, the state dict and the storages' keys.
  """
  with open(path, "rb") as file:
    magic, _protocol, _system, tensors, keys = (Reader(file).load() for _ in range(5))
    if magic != MAGIC:
      raise pickle.UnpicklingError("not a PyTorch file")
    types = {t.storage[2]: np.dtype(t.storage[1]) for t in tensors.values()}
    storages = {}
    for key in keys:
      (size,) = np.fromfile(file, "<i8", 1)
      storages[key] = np.fromfile(file, types[key], size)
    return {k: t.array(storages) for k, t in tensors.items()}


def read_state_dict(path: str) -> dict[str, np.ndarray]:
  """{name: array} of a state dict saved by PyTorch, or of an .npz.

  Raises UserError for a file that is neither, or absent.
  """
  if not os.path.isfile(path):
    raise UserError(
      f"there is no weight file {path}: get {os.path.basename(path)} and give its path"
    )
  try:
    if str(path).endswith(".npz"):
      with np.load(path) as arrays:
        return dict(arrays)
    return read_zip(path) if zipfile.is_zipfile(path) else read_older(path)
  except (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    KeyError,
    AttributeError,
    IndexError,
  ) as error:
    raise UserError(
      f"{path} is not a state dict of arrays ({error}): "
      "save one with torch.save(net.state_dict(), path)"
    ) from error
