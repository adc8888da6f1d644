"""Denoising diffusion of digits: an MLP, a cosine schedule, 1,000 levels, samples by 50 steps of DDIM.

  python -m experiments.main --config=configs/ddpm_digits.py

Expected:
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="ddpm", T=1000, schedule="cosine", network="mlp", hidden=(512, 512, 512)),
    data=dict(name="digits", batch=128),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(steps=4000, steps_per_dispatch=100, ema=0.995, log_every=500, save_every=2000, sample_every=2000),
    evaluate=dict(batch=300, log_prob=dict(k=50)),
    sample=dict(n=64, sampler="ddim", steps=50),
  ))  # fmt: skip
