"""Improved DDPM of MNIST, trained by the bound: 4,000 levels, the first finer than a gray level.

  python -m experiments.main --config=configs/improved_ddpm_mnist.py
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="improved_ddpm", T=4000, prediction="v", objective="bound", condition=("label",),
      network=dict(name="unet", hidden=(48, 96), patch=2, fourier=(3, 5, 7)),
    ),
    data=dict(name="tfds:mnist", batch=32),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=100, clip_norm=1.0,
    ),
    train=dict(
      steps=6000, steps_per_dispatch=50, ema=0.999, log_every=500, save_every=2000,
      sample_every=2000,
    ),
    evaluate=dict(batch=500, examples=1000, log_prob=dict(k=100), samples=2000),
    sample=dict(n=64, sampler="dpm_solver", steps=20),
  ))  # fmt: skip
