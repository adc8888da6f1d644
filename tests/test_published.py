"""Trained models in the package: what is written is read, and what is damaged is refused."""

import jax
import numpy as np
import pytest

import genjax_zoo
from genjax_zoo import published
from genjax_zoo.core import UserError

TREE = {
  "weights": {"dec": [{"kernel": np.float32([[0.5, -3e-5], [1 / 3, 2.0]])}]},
  "state": {"count": np.int32(70_000), "large": np.float32([1e5, 0.1])},
}
ABOUT = {"evaluation": {"model": "vae", "data": "digits", "step": 7}}


def test_weights_come_back_as_float16_and_all_else_exactly(tmp_path):
  published.write(tmp_path, "a", TREE, ABOUT)
  arrays, about = published.read(tmp_path, "a")
  assert about["evaluation"] == ABOUT["evaluation"]
  leaves = dict(published.named(TREE))
  assert arrays.keys() == leaves.keys() == {"weights/dec/0/kernel", "state/count", "state/large"}
  assert arrays["weights/dec/0/kernel"].dtype == np.float16
  half = np.float16(leaves["weights/dec/0/kernel"])
  np.testing.assert_array_equal(arrays["weights/dec/0/kernel"], half)
  # 100,000 is beyond float16's 65,504.
  np.testing.assert_array_equal(arrays["state/large"], leaves["state/large"])
  assert arrays["state/count"] == 70_000


def test_a_damaged_file_is_refused(tmp_path):
  file = published.write(tmp_path, "a", TREE, ABOUT)
  content = bytearray(file.read_bytes())
  content[100] ^= 1
  file.write_bytes(content)
  with pytest.raises(UserError, match=r"a\.npz is damaged: its hash is not the one in a\.json"):
    published.read(tmp_path, "a")
  file.unlink()
  with pytest.raises(UserError, match="is damaged"):
    published.read(tmp_path, "a")


def test_a_name_that_is_not_there_is_said_with_the_nearest():
  with pytest.raises(UserError, match=r"no pretrained 'vae_digit', did you mean 'vae_digits'\?"):
    genjax_zoo.load("pretrained:vae_digit")


def test_the_list_and_the_files_are_the_same():
  """12 MB in all, 1 MB each; each JSON has its weights and each weights file its JSON."""
  names = genjax_zoo.pretrained()
  files = [*published.FOLDER.glob("*.npz")]
  assert {f.stem for f in files} == names.keys()
  assert all(f.stat().st_size <= 1e6 for f in files)
  assert sum(f.stat().st_size for f in files) <= 12e6
  for name in names:
    published.read(published.FOLDER, name)


def test_no_path_of_a_machine_is_published():
  for file in published.FOLDER.glob("*.json"):
    text = file.read_text(encoding="utf-8")
    assert "workdir" not in text
    assert '"/' not in text


def test_a_pretrained_model_samples_alike_twice():
  """The VAE of digits: its weights are the published ones, and its samples those of its seed."""
  run = genjax_zoo.load("pretrained:vae_digits")
  arrays, _ = published.read(published.FOLDER, "vae_digits")
  for name, x in published.named({"weights": run.weights, "state": run.state}):
    np.testing.assert_array_equal(np.asarray(x), arrays[name].astype(x.dtype))
  a = run.sample(4, seed=1)
  assert a["image"].shape == (4, 8, 8, 1)
  jax.tree.map(np.testing.assert_array_equal, a, run.sample(4, seed=1))
  assert run.metrics == {}
  assert "vae on digits" in repr(run)
