"""LION: point clouds by two diffusions, of a shape latent and of latent points given it.

  python -m experiments.main --config=configs/lion_points.py

The first stage is point_vae_points, which is trained where it is missing. The same with the shape
latent alone is latent_diffusion_points.

Expected (seed 0): of 200 sampled clouds, 1-NNA 0.55 where training clouds have 0.48, coverage 0.58
(0.56) and MMD 0.051 (0.048), by the Chamfer distance to test clouds. 8 CPU minutes, after the first
stage. What latent points add is coverage, and clouds as uneven as real ones: with the shape latent
alone coverage is 0.49, 1-NNA 0.54. Of 400 clouds of each, coverage is 0.54 and 0.43, 1-NNA 0.61 and
0.54. Most of that is lost where points are made: given the true shape latents of training clouds it
is 0.58 already. A wider prior of the shape, trained for ten times as many examples, changes nothing
(0.61). See the lesson latent_points.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="lion", T=500, hidden=(256, 256),
      network=dict(name="set", width=64, depth=2, fourier=(-1, 0)),
    ),
    stages=dict(first="configs/point_vae_points.py"),
    data=dict(name="points", batch=64),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=2500, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=1250, sample_every=0
    ),
    evaluate=dict(batch=100, samples=200),
    sample=dict(n=24),
  ))  # fmt: skip
