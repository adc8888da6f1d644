"""A mixture of 10 Gaussians with full covariances, fitted to 8 x 8 digits by expectation-maximisation.

  python -m experiments.main --config=configs/gmm_digits.py

Expected: to be measured.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="gmm", components=10, covariance="full", regularization=1e-3),
    data=dict(name="digits", batch=0),
    train=dict(steps=100, steps_per_dispatch=10, log_every=10, save_every=50, sample_every=50),
  ))  # fmt: skip
