"""pix2pix from maps of labels to photographs of facades, 64 x 64.

  python -m experiments.main --config=configs/pix2pix_facades.py

The facades of pix2pix (facades.tar.gz, 400 to train, 106 to test) are unpacked into data/facades:
each file is a photograph and, right of it, its map of labels.

Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="pix2pix", widths=(24, 48, 64, 96, 96), critic=(24, 48), l1=20.0),
    data=dict(name="pairs:data/facades", swap=True, size=64, flip=True, batch=8),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=1200, steps_per_dispatch=50, ema=0.99, log_every=150, save_every=600, sample_every=600,
    ),
    sample=dict(n=25),
  ))  # fmt: skip
