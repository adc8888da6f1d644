"""A GAN of 8 x 8 digits by least squares (LSGAN), with R1.

  python -m experiments.main --config=configs/lsgan_digits.py

Expected: legible digits; FID 0.14 (seed 0) by the features of digits, where train against test
gives 0.06; precision 0.81, recall 0.87. 10 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
  return ConfigDict(dict(
    model=dict(name="gan", latent=16, hidden=(256, 256), loss="least_squares", r1=1.0),
    data=dict(name="digits", batch=64),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=8000, steps_per_dispatch=100, ema=0.999, log_every=400, save_every=4000,
      sample_every=4000,
    ),
  ))  # fmt: skip
