"""A table of numbers: one command fits a flow, which gives log p in the units of the table."""

import json

import numpy as np
import pytest

from experiments.pipeline import perform
from genjax_zoo import load


@pytest.mark.parametrize("rows", [30, pytest.param(400, marks=pytest.mark.slow)])
def test_a_flow_of_a_table(tmp_path, rows):
  rng = np.random.default_rng(0)
  table = rng.normal(size=(rows, 3)) * [1.0, 0.01, 100.0] + [0.0, 5.0, -1000.0]
  np.savez(tmp_path / "table.npz", x=table)
  options = (
    "model.depth=1",
    "model.hidden=(8,)",
    f"data.name=npz:{tmp_path / 'table.npz'}",
    "data.batch=256",
  )
  perform("train", "configs/spline_flow_table.py:smoke", str(tmp_path / "run"), options)
  evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text())
  assert evaluation["likelihood"]["kind"] == "exact" and evaluation["validation"]["step"] == 2
  # A tenth of the rows is the test split; measuring quality needs 20.
  assert ("quality" in evaluation) == (rows >= 200)
  nats = load(tmp_path / "run").log_prob({"x": table})
  # After two steps the flow does little more than standardize the columns.
  scaled = (table - table.mean(0)) / table.std(0)
  expected = -0.5 * (scaled**2).sum(-1) - 1.5 * np.log(2 * np.pi) - np.log(table.std(0)).sum()
  assert abs(nats.mean() - expected.mean()) < 0.3
