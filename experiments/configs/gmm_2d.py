"""A mixture of 20 Gaussians with full covariances, fitted to two moons by expectation-maximisation.

  python -m experiments.main --config=configs/gmm_2d.py

Expected: log p = -1.00 nats, exact, on 10,000 test points. 5 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="gmm", components=20, covariance="full", regularization=1e-6),
    data=dict(name="moons", batch=0),
    train=dict(steps=200, steps_per_dispatch=10, log_every=20, save_every=100, sample_every=100),
    sample=dict(n=2000),
  ))  # fmt: skip
