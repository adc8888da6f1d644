"""PyTorch files read without PyTorch equal what PyTorch says they hold; nothing in a file is run.

state_dict.npz: the bytes of `torch.save(state, file)` by torch 2.13 in the zip form (`file_zip`)
and, with `_use_new_zipfile_serialization=False`, in the older one (`file_older`), with the values
of `state` as `tensor_*`: a transposed view, a shifted view of the same storage, half and double
precision, an integer [], an nn.Parameter. `file_module` is a whole torch.nn.Linear.
"""

import os
import pickle

import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.metrics.torch_weights import read_state_dict
from tests.metrics.references import FIXTURES


@pytest.fixture(scope="module")
def saved():
  with np.load(FIXTURES / "state_dict.npz") as file:
    return dict(file)


@pytest.mark.parametrize("form", ["zip", "older"])
def test_equals_pytorch(saved, form, tmp_path):
  (tmp_path / "w.pth").write_bytes(saved[f"file_{form}"].tobytes())
  found = read_state_dict(tmp_path / "w.pth")
  expected = {
    name.removeprefix("tensor_"): x for name, x in saved.items() if name.startswith("tensor_")
  }
  assert set(found) == set(expected) and len(found) == 7
  for name, x in expected.items():
    assert found[name].dtype == x.dtype
    np.testing.assert_array_equal(found[name], x)


def test_npz_of_the_same_names(tmp_path):
  np.savez(tmp_path / "w.npz", **{"conv.weight": np.arange(3.0)})
  np.testing.assert_array_equal(
    read_state_dict(str(tmp_path / "w.npz"))["conv.weight"], np.arange(3.0)
  )


class Trap:
  def __reduce__(self):
    return os.mkdir, (os.environ["TRAP"],)


def test_other_files_are_refused_by_name_and_not_run(saved, tmp_path, monkeypatch):
  monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
  older = saved["file_older"].tobytes()
  bad = {
    "module": saved["file_module"].tobytes(),
    "trap": pickle.dumps(Trap()),
    "cut": older[: len(older) // 2],
    "cut_late": older[:-7],
    "text": b"not a weight file",
    "empty": b"",
  }
  for name, content in bad.items():
    (tmp_path / f"{name}.pth").write_bytes(content)
    with pytest.raises(UserError, match=f"{name}.pth is not a state dict"):
      read_state_dict(tmp_path / f"{name}.pth")
  assert not (tmp_path / "sprung").exists()
  with pytest.raises(UserError, match=r"there is no weight file .*absent\.pth"):
    read_state_dict(tmp_path / "absent.pth")
