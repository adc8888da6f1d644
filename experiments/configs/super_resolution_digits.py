"""An autoencoder that enlarges 4 x 4 digits to 8 x 8.

  python -m experiments.main --config=configs/super_resolution_digits.py

Expected on the 297 test images: PSNR 20.5 dB; bicubic interpolation has 13.6. 2 s of training on 2
CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="autoencoder", latent=32, hidden=(256, 128), corruption="downsample", amount=2.0,
    ),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(
      steps=4000, steps_per_dispatch=50, log_every=200, save_every=2000, sample_every=1000,
    ),
  ))  # fmt: skip
