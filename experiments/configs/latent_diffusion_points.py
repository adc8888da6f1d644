"""Latent diffusion of point clouds: a diffusion of the shape latent, without latent points.

  python -m experiments.main --config=configs/latent_diffusion_points.py

The first stage is point_vae_points, which is trained where it is missing; lion_points has a second
diffusion on top, of latent points.

What to expect is not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="latent_diffusion", T=500, network=dict(name="mlp", hidden=(128, 128))),
    stages=dict(first="configs/point_vae_points.py"),
    data=dict(name="points", batch=64),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=1800, steps_per_dispatch=100, ema=0.99, log_every=200, save_every=600, sample_every=0
    ),
    evaluate=dict(batch=100, samples=200),
    sample=dict(n=24),
  ))  # fmt: skip
