"""The GAN of configs/gan_8gaussians.py without R1: it loses modes.

  python -m experiments.main --config=configs/gan_8gaussians_plain.py

Expected: 5, 5 and 8 of 8 modes (with 2 % of the samples or more) with the seeds 0, 1, 2, and 88 to 89 % of the
samples within 3 standard deviations of one. 13 s on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="gan", latent=8, hidden=(128, 128), r1=0.0),
    data=dict(name="8gaussians", batch=256),
    optimizer=dict(
      gen=dict(name="adam", learning_rate=1e-3, b1=0.5),
      critic=dict(name="adam", learning_rate=2e-3, b1=0.5),
    ),
    train=dict(steps=8000, steps_per_dispatch=100, ema=0.999, log_every=500, save_every=4000, sample_every=2000),
    sample=dict(n=2000),
  ))  # fmt: skip
