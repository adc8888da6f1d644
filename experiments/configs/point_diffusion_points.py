"""Diffusion of point clouds, by a transformer that knows no order of the points.

  python -m experiments.main --config=configs/point_diffusion_points.py

Expected (seed 0): of 200 sampled clouds, 1-NNA 0.70 where training clouds have 0.48, coverage 0.54
(0.56) and MMD 0.062 (0.048), by the Chamfer distance to test clouds. Under 2 minutes of training.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="ddpm", T=500, schedule="cosine", prediction="v",
      network=dict(name="set", width=64, depth=4, fourier=(-1, 0)),
    ),
    data=dict(name="points", batch=32),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=1200, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=500, sample_every=0
    ),
    evaluate=dict(batch=100, samples=200, log_prob=dict(k=4)),
    sample=dict(n=24, sampler="dpm_solver", steps=50),
  ))  # fmt: skip
