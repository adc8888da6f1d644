"""The study of disentanglement: its analysis of variance, and that it runs."""

import numpy as np
import pytest

from experiments.lessons import disentanglement


def test_standard_deviations_are_those_of_the_generating_distribution():
  rng, methods, seeds = np.random.default_rng(0), 4000, 3
  noise = 0.3 * rng.normal(size=(methods, seeds))
  offset = 0.5 * rng.normal(size=(methods, 1))
  found = disentanglement.standard_deviations(noise + offset)
  np.testing.assert_allclose(found, (0.5, 0.3), rtol=0.04)
  between, within = disentanglement.standard_deviations(noise)
  assert between < 0.05 and abs(within - 0.3) < 0.01


@pytest.mark.slow
def test_the_study_scores_every_run(tmp_path):
  methods = "VAE", "FactorVAE, 35"
  results, pictures = disentanglement.study(tmp_path, methods, (0, 1), smoke=True)
  assert results["runs"].keys() == set(methods) and len(pictures) == 2 + len(methods)
  for runs in results["runs"].values():
    scored = runs.keys() - set(disentanglement.NOT_SCORES)
    assert scored == results["standard deviation"].keys() and len(scored) >= 5
    assert all(len(values) == 2 for values in runs.values())
