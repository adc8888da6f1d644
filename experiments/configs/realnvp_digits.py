"""RealNVP on digits.

  python -m experiments.main --config=configs/realnvp_digits.py

Expected: 2.058 bits/dim on the test split, an upper bound, and an FID of 0.53 (one run,
seed 0). Cost: 17 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="realnvp", scales=2, width=32, blocks=1),
    data=dict(name="digits", batch=100),
    optimizer=dict(name="adamw", learning_rate=1e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(steps=600, steps_per_dispatch=100, log_every=100, save_every=300, sample_every=300),
    evaluate=dict(batch=297),
  ))  # fmt: skip
