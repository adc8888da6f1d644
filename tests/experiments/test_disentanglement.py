"""The study: its analysis of variance, and that it runs."""

import json

import numpy as np
import pytest

from experiments.lessons import disentanglement


def test_spread_of_methods_and_seeds_is_what_they_were_drawn_with():
  rng, methods, seeds = np.random.default_rng(0), 4000, 3
  noise = 0.3 * rng.normal(size=(methods, seeds))
  np.testing.assert_allclose(
    disentanglement.spread(noise + 0.5 * rng.normal(size=(methods, 1))), (0.5, 0.3), rtol=0.04
  )
  between, within = disentanglement.spread(noise)
  assert between < 0.05 and abs(within - 0.3) < 0.01


@pytest.mark.slow
def test_the_study_runs_and_scores_every_run(tmp_path):
  methods = "VAE", "FactorVAE, 35"
  disentanglement.study(tmp_path, methods, (0, 1), smoke=True)
  found = json.loads((tmp_path / "results.json").read_text())
  assert {name: len(runs) for name, runs in found["runs"].items()} == dict.fromkeys(methods, 2)
  scored = {k for runs in found["runs"].values() for run in runs for k in run} - {
    "reconstruction",
    "kl",
  }
  assert scored == found["deviation between"].keys() and len(scored) >= 5
  assert (tmp_path / "report.html").exists()
