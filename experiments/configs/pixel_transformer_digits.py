"""A transformer over the pixels of digits.

  python -m experiments.main --config=configs/pixel_transformer_digits.py

Expected: 88.5 nats exact, 2.00 bits/dim, FID 0.61 of 1,000 samples; 52 s for the whole command on 2 CPU cores. With
800 steps it gets 81.5 nats.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="pixel_transformer", width=64, layers=3, heads=4),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adamw", learning_rate=2e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(steps=500, steps_per_dispatch=50, ema=0.99, log_every=50, save_every=250, sample_every=250),
  ))  # fmt: skip
