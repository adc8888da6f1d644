"""Digits, 8 x 8, as 4 x 4 codes of 64: stage one of token_prior_digits.

  python -m experiments.main --config=configs/vqvae_digits.py

Alone it reconstructs images and samples none.

Expected (seed 0): PSNR 24.7 dB, all 64 codes used. Under a minute on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vqvae", network="patch", widths=(64,), codes=64, features=8),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(steps=3000, steps_per_dispatch=50, log_every=250, save_every=1500),
  ))  # fmt: skip
