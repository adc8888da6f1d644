"""An inverse autoregressive flow on two moons: samples in one pass, densities in D passes.

  python -m experiments.main --config=configs/iaf_2d.py

Expected: 1.032 nats on the test split, 0.024 above the data's entropy (one run, seed 0). 9 s of
training on 2 CPU cores; in D dimensions every training step takes D passes.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="maf", depth=8, hidden=(64, 64), inverse=True),
    data=dict(name="moons", batch=256),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(
      steps=5000, steps_per_dispatch=100, log_every=500, save_every=2500, sample_every=2500,
    ),
    sample=dict(n=2000),
  ))  # fmt: skip
