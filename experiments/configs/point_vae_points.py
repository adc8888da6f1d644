"""The VAE of LION: a shape latent and latent points of point clouds.

  python -m experiments.main --config=configs/point_vae_points.py

Expected (seed 0): of the shape latent alone, a Chamfer distance of 0.141 to test clouds in
standardised units, and a KL of 19 nats; of both latents, a mean squared error of 0.008. Samples are
of its prior N(0, I), which is not that of the latents: 1-NNA 0.89. With a third of this learning
rate the latents stay narrow, and the Chamfer distance is 0.185.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="point_vae"),
    data=dict(name="points", batch=32),
    optimizer=dict(name="adam", learning_rate=3e-3, schedule="cosine", warmup_steps=50),
    train=dict(
      steps=3000, steps_per_dispatch=100, ema=0.99, log_every=200, save_every=1000, sample_every=0
    ),
    evaluate=dict(batch=100, samples=200),
    sample=dict(n=24),
  ))  # fmt: skip
