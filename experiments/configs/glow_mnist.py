"""Glow on 8-bit MNIST at the paper's size, 32 steps a scale, for a GPU.

  python -m experiments.main --config=configs/glow_mnist.py

Expected: not measured, for want of a GPU. Published: 1.05 bits/dim (the table of FFJORD,
arXiv:1810.01367), with three scales on images padded to 32 x 32; the unpadded 28 x 28 images can be
halved twice. :smoke runs on a CPU.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="glow", scales=2, depth=32, width=512),
    data=dict(name="tfds:mnist", batch=128, validation=5000),
    optimizer=dict(
      name="adamw", learning_rate=1e-3, weight_decay=0.05, schedule="cosine",
      warmup_steps=1000, clip_norm=1.0,
    ),
    train=dict(
      steps=90_000, steps_per_dispatch=100, log_every=1000, save_every=5000,
      sample_every=10_000, validate_every=2500, ema=0.999,
    ),
    evaluate=dict(batch=500, repeats=4),
  ))  # fmt: skip
