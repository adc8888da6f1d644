"""A transformer over the pixels of digits.

  python -m experiments.main --config=configs/pixel_transformer_digits.py

Expected: not measured here.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="pixel_transformer", width=64, layers=3, heads=4),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adamw", learning_rate=2e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(steps=500, steps_per_dispatch=50, ema=0.99, log_every=50, save_every=250, sample_every=250),
  ))  # fmt: skip
