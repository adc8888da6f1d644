"""A GAN of 8 x 8 digits, with R1.

  python -m experiments.main --config=configs/gan_digits.py

Expected: legible digits of all classes; FID 0.11 (seed 0) by the features of digits, where train
against test gives 0.06; precision 0.82, recall 0.84 (the VAE of configs/vae_digits.py: 0.24, 0.69,
0.90). 11 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="gan", latent=16, hidden=(256, 256), r1=1.0),
    data=dict(name="digits", batch=64),
    optimizer=dict(
      gen=dict(name="adam", learning_rate=1e-3, b1=0.5),
      critic=dict(name="adam", learning_rate=1e-3, b1=0.5),
    ),
    train=dict(
      steps=8000, steps_per_dispatch=100, ema=0.999, log_every=500, save_every=4000,
      sample_every=2000,
    ),
  ))  # fmt: skip
