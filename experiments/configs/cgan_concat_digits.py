"""A class-conditional GAN of 8 x 8 digits as first proposed, the label beside the image, with R1.

  python -m experiments.main --config=configs/cgan_concat_digits.py

Expected: FID 0.14 (seed 0) by the features of digits, where train against test gives 0.06; their
classifier agrees with 92 % of the labels asked for (projection, configs/cgan_digits.py: 99.1 %). 19
s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
  return ConfigDict(dict(
    model=dict(
      name="cgan", condition=("label",), critic="concatenation", latent=16, hidden=(256, 256),
      r1=1.0,
    ),
    data=dict(name="digits", batch=64),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=8000, steps_per_dispatch=100, ema=0.999, log_every=400, save_every=4000,
      sample_every=4000,
    ),
  ))  # fmt: skip
