"""The first WGAN of 8 x 8 digits: weights clipped, RMSProp.

  python -m experiments.main --config=configs/wgan_digits.py

Expected: FID 0.27 (seed 0) by the features of digits, where train against test gives 0.06;
precision 0.62, recall 0.85: clipping is the weaker constraint (WGAN-GP, configs/wgan_gp_digits.py:
0.11). 11 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  rmsprop = dict(name="rmsprop", learning_rate=3e-4)
  return ConfigDict(dict(
    model=dict(name="wgan", latent=16, hidden=(256, 256), penalty=0.0, clip=0.05, n_critic=5),
    data=dict(name="digits", batch=320),
    optimizer=dict(gen=dict(**rmsprop), critic=dict(**rmsprop)),
    train=dict(
      steps=4000, steps_per_dispatch=100, ema=0.999, log_every=200, save_every=2000,
      sample_every=2000,
    ),
  ))  # fmt: skip
