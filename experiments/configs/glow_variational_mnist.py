"""A multi-scale flow with variational dequantisation (Flow++) on 8-bit MNIST, for a GPU.

  python -m experiments.main --config=configs/glow_variational_mnist.py

Expected: not measured, for want of a GPU. Published for a flow of this kind: 1.02 bits/dim (UvA
deep learning tutorial 11, 1.04 without scales, 1.08 with uniform noise), in about an hour on an RTX
3090. :smoke runs on a CPU.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="glow", levels=2, depth=8, width=128, coupling="mixture", dequantization="variational"),
    data=dict(name="tfds:mnist", batch=128, validation=5000),
    optimizer=dict(
      name="adamw", learning_rate=1e-3, weight_decay=0.05, schedule="cosine", warmup_steps=1000, clip_norm=1.0
    ),
    train=dict(
      steps=90_000, steps_per_dispatch=100, log_every=1000, save_every=5000, sample_every=10_000, validate_every=2500,
      ema=0.999,
    ),
    evaluate=dict(batch=500, repeats=4),
  ))  # fmt: skip
