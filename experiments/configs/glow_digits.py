"""Glow on digits.

  python -m experiments.main --config=configs/glow_digits.py

Expected: 2.084 bits/dim on the test split, an upper bound, and an FID of 0.28 (one run,
seed 0). Cost: 12 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="glow", scales=2, depth=8, width=64),
    data=dict(name="digits", batch=100),
    optimizer=dict(
      name="adamw", learning_rate=2e-3, weight_decay=0.1, schedule="cosine", warmup_steps=50,
    ),
    train=dict(steps=600, steps_per_dispatch=50, log_every=100, save_every=300, sample_every=300),
    evaluate=dict(batch=297),
  ))  # fmt: skip
