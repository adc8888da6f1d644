"""Feature sets made from a seed, and the metrics of reference programs for them."""

from pathlib import Path

import numpy as np

FIXTURES = Path(__file__).parents[1] / "fixtures"


def features(d: int, seed: int, n: int = 600, m: int = 500):
  """Correlated features like those after a ReLU: real [n, d] and fake [m, d]."""
  rng = np.random.default_rng(seed)
  mix = rng.normal(size=(d, d)) / np.sqrt(d)
  real = np.maximum(rng.normal(size=(n, d)) @ mix + 0.5, 0)
  fake = np.maximum(rng.normal(size=(m, d)) @ mix * 0.9 + 0.6, 0)
  return real.astype(np.float32), fake.astype(np.float32)


# (d, seed) of the sets in quality.npz: on both sides of `distances.EXACT`.
SETS = [(20, 1), (200, 2)]


def quality() -> dict[str, np.ndarray]:
  """What other programs measured on `features(d, seed)`, with keys that end in d.

  Written in Python 3.11 with torch 2.13, torch-fidelity 0.4.0, pytorch-fid 0.3.0, prdc 0.2 and
  scipy 1.17: fid_torch_fidelity: `fid_statistics_to_metric` of both `fid_features_to_statistics`;
  fid_pytorch_fid: `calculate_frechet_distance` of numpy means and covariances; kid and rbf:
  `kid_features_to_metric` in float64 of real[:500] and fake, with one subset of 500, for rbf with
  kid_kernel="rbf" and kid_kernel_rbf_sigma=sqrt(d); prdc_d_k: `compute_prdc(real, fake, k)`;
  torch_fidelity_prc: `prc_features_to_metric(fake, real, prc_neighborhood=3)`. is_1 and is_10:
  `isc_features_to_metric(logits, splits, shuffle=False)` of the logits in test_inception_score.py,
  for is_10 in the order of `default_rng(0).permutation(1000)`.
  """
  with np.load(FIXTURES / "quality.npz") as file:
    return dict(file)
