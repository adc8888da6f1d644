"""A GAN of eight Gaussians on a circle that keeps all modes, thanks to R1.

  python -m experiments.main --config=configs/gan_8gaussians.py

Expected: 8 of 8 modes, evenly (reverse KL below 0.001 nats), and 86 % of the samples within 3
standard deviations of one, with each of the seeds 0, 1, 2. 13 s on 2 CPU cores. Without R1,
--config.model.r1=0, it loses modes: the lesson mode_collapse.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="gan", latent=8, hidden=(128, 128), r1=0.1),
    data=dict(name="8gaussians", batch=256),
    optimizer=dict(
      gen=dict(name="adam", learning_rate=1e-3, b1=0.5),
      critic=dict(name="adam", learning_rate=2e-3, b1=0.5),
    ),
    train=dict(
      steps=8000, steps_per_dispatch=100, ema=0.999, log_every=500, save_every=4000,
      sample_every=2000,
    ),
    sample=dict(n=2000),
  ))  # fmt: skip
