"""DC-IGN: latents of azimuth alone, so that a chair seen from one side is turned.

  python -m experiments.main --config=configs/dc_ign_chairs.py

The beta-VAE of the same views is --config.model.clamped=False; see the lesson turning_chairs.
What to expect is not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="dc_ign"),
    data=dict(name="azimuth_chairs", size=24, turntable=True, batch=16),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50),
    train=dict(
      steps=4000, steps_per_dispatch=100, log_every=500, save_every=2000, sample_every=0
    ),
    sample=dict(n=16),
  ))  # fmt: skip
