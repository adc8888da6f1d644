"""The notebook docs/first_hour.ipynb: its cells run in order, as far as Python alone can tell."""

import json
from pathlib import Path

import numpy as np

CELLS = json.loads((Path(__file__).parents[2] / "docs/first_hour.ipynb").read_text())["cells"]


def test_its_cells_run_in_order(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv("MPLBACKEND", "agg")
  names = {}
  for cell in CELLS:
    if cell["cell_type"] == "code":
      exec("".join(cell["source"]).replace('"cvae_digits"', '"cvae_digits:smoke"'), names)
  assert names["threes"]["image"].shape == (10, 8, 8, 1)
  assert names["every"]["image"].shape == (20, 8, 8, 1)
  assert names["between"]["image"].shape == (8, 8, 8, 1)
  nats = np.array([*names["nats"].values()])
  assert nats.shape == (10,) and np.isfinite(nats).all() and names["guess"] == nats.argmax()
  (line,) = names["plt"].gca().lines
  np.testing.assert_array_equal(line.get_xdata(), [1, 2])
  names["plt"].close("all")


def test_it_is_committed_without_outputs():
  assert not any(cell.get("outputs") or cell.get("execution_count") for cell in CELLS)
