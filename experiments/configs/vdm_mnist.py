"""Variational diffusion of 8-bit MNIST, for a GPU.

  python -m experiments.main --config=configs/vdm_mnist.py

Expected: at most 1.0 bits/dim is aimed at, and not measured here. On 2 CPU cores a step takes
seconds; with one GPU 50,000 steps are an hour or so. `configs/vdm_mnist.py:smoke` shows in seconds
that it runs.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vdm", network=dict(name="unet", hidden=(128,), blocks=8, dropout=0.1)),
    data=dict(name="tfds:mnist", batch=128),
    optimizer=dict(name="adamw", learning_rate=2e-4, b2=0.99, weight_decay=0.01, warmup_steps=1000),
    train=dict(
      steps=50_000, steps_per_dispatch=50, ema=0.9999, log_every=500, save_every=5000,
      sample_every=5000,
    ),
    evaluate=dict(batch=500, log_prob=dict(k=100), samples=2000),
    sample=dict(n=64, steps=250),
  ))  # fmt: skip
