"""Stage one of latent diffusion: photographs of flowers, 64 x 64, as 16 x 16 latents of 4 numbers.

  python -m experiments.main --config=configs/kl_autoencoder_flowers.py

`make data DATASET=oxford_flowers102` prepares them. Expected: not measured yet; of a size for one
GPU.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="kl_autoencoder", network="patch", widths=(128, 256), blocks=4, channels=4),
    data=dict(name="tfds:oxford_flowers102", size=64, batch=64, flip=True),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine", warmup_steps=200),
    train=dict(steps=20_000, steps_per_dispatch=50, log_every=500, save_every=5000),
  ))  # fmt: skip
