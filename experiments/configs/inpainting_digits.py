"""An autoencoder that inpaints digits of which half the pixels are missing at random.

  python -m experiments.main --config=configs/inpainting_digits.py

Expected on the 297 test images: PSNR 19.2 dB; filling in the mean has 11.5. 3 s of training on 2
CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="autoencoder", latent=32, hidden=(256, 128), corruption="mask", amount=0.5),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(
      steps=4000, steps_per_dispatch=50, log_every=200, save_every=2000, sample_every=1000,
    ),
  ))  # fmt: skip
