"""A beta-VAE of dSprites at 32 x 32; beta is --config.schedules.beta.value.

  python -m experiments.main --config=configs/vae_dsprites.py

Expected: to be measured.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vae", latent=10, hidden=(32, 32, 64), network="conv"),
    data=dict(name="dsprites", batch=64),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(steps=3000, steps_per_dispatch=50, log_every=250, save_every=1500, sample_every=1500),
    schedules=dict(beta=dict(name="constant_schedule", value=4.0)),
  ))  # fmt: skip
