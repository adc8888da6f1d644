"""Denoising diffusion of points on two moons: an MLP, 200 levels of the cosine schedule.

  python -m experiments.main --config=configs/ddpm_2d.py

Expected:
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="ddpm", T=200, schedule="cosine", network="mlp", hidden=(128, 128, 128)),
    data=dict(name="moons", batch=256),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(steps=6000, steps_per_dispatch=200, ema=0.995, log_every=1000, save_every=3000, sample_every=3000),
    evaluate=dict(log_prob=dict(k=199)),
    sample=dict(n=2000),
  ))  # fmt: skip
