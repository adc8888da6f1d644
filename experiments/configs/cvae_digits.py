"""A class-conditional VAE of digits.

  python -m experiments.main --config=configs/cvae_digits.py

Expected: to be measured.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vae", latent=10, hidden=(256,), likelihood="discretized_logistic", conditional=True),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adamw", learning_rate=3e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(steps=1000, steps_per_dispatch=50, log_every=50, save_every=500, sample_every=500, ema=0.99),
  ))  # fmt: skip
