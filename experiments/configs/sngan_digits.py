"""An SNGAN of 8 x 8 digits: residual networks, hinge.

  python -m experiments.main --config=configs/sngan_digits.py

Expected: FID 0.17 (seed 0) by the features of digits, where train against test gives 0.06;
precision 0.74, recall 0.84. 1,500 steps give an FID of 0.12. 22 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=5e-4, b1=0.0, b2=0.9)
  return ConfigDict(dict(
    model=dict(name="sngan", latent=16, widths=(32, 64), n_critic=2),
    data=dict(name="digits", batch=128),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=1000, steps_per_dispatch=50, ema=0.999, log_every=50, save_every=500, sample_every=500,
    ),
  ))  # fmt: skip
