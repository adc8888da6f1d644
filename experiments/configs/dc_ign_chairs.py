"""DC-IGN: latents of azimuth alone, so that a chair seen from one side is turned.

  python -m experiments.main --config=configs/dc_ign_chairs.py

The beta-VAE of the same views is --config.model.clamped=False; see the lesson turning_chairs.

Expected (seed 0): of new chairs the other views from one have a mean squared error of 0.0027, where
the mean chair of each azimuth has 0.0168 and the nearest training chair 0.0047; R² of the azimuth
0.89 from its own latents, 0.03 from the others. 39 s on one core of a CPU. With twice as many of
its own, --config.model.azimuth=8 --config.model.latent=28, these are 0.0026, 0.90 and 0.05; three
times as many are no better. R² asks for a circle, and the sides form none: of the mean latents of
each side alone it is 0.92, and the views from the left and the right are those that are off.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="dc_ign"),
    data=dict(name="azimuth_chairs", size=24, turntable=True, batch=16),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50),
    train=dict(
      steps=6000, steps_per_dispatch=100, log_every=500, save_every=2000, sample_every=0
    ),
    sample=dict(n=16),
    schedules=dict(beta=dict(name="constant_schedule", value=1.0)),
  ))  # fmt: skip
