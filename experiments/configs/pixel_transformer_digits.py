"""A transformer over the pixels of digits.

  python -m experiments.main --config=configs/pixel_transformer_digits.py

Expected: 81.5 nats exact, 1.84 bits/dim, FID 0.28 of 1,000 samples.
Cost: 28 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="pixel_transformer", width=64, layers=3, heads=4),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adamw", learning_rate=2e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(
      steps=800, steps_per_dispatch=50, ema=0.99, log_every=50, save_every=400, sample_every=400,
    ),
  ))  # fmt: skip
