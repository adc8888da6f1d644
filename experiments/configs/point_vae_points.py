"""The VAE of LION: a shape latent and latent points of point clouds.

  python -m experiments.main --config=configs/point_vae_points.py

What to expect is not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="point_vae"),
    data=dict(name="points", batch=32),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine", warmup_steps=50),
    train=dict(
      steps=2000, steps_per_dispatch=100, ema=0.99, log_every=200, save_every=1000, sample_every=0
    ),
    evaluate=dict(batch=100, samples=200),
    sample=dict(n=24),
  ))  # fmt: skip
