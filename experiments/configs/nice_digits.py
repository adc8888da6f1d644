"""NICE on digits.

  python -m experiments.main --config=configs/nice_digits.py

Expected: 2.666 bits/dim on the test split, an upper bound, and an FID of 0.51 (one run,
seed 0); more steps overfit. Cost: 3 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="nice", hidden=(256, 256), couplings=4),
    data=dict(name="digits", batch=100),
    optimizer=dict(name="adamw", learning_rate=1e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(steps=1500, steps_per_dispatch=100, log_every=500, save_every=500, sample_every=500),
    evaluate=dict(batch=297),
  ))  # fmt: skip
