"""Latent diffusion of flowers, 64 x 64, given which of 102 kinds they are, for a GPU.

  python -m experiments.main --config=configs/latent_diffusion_flowers.py

The first stage is kl_autoencoder_flowers, which is trained where it is missing. `make data
DATASET=oxford_flowers102` prepares the photographs, 1,020 to train: the network has dropout. FID is
by Inception: --config.evaluate.features=inception:PATH. Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="latent_diffusion", schedule="linear", condition=("label",), drop=0.1,
      network=dict(
        name="unet", hidden=(128, 256, 256), blocks=2, attention=(8, 4), dropout=0.1
      ),
    ),
    stages=dict(first="configs/kl_autoencoder_flowers.py"),
    data=dict(name="tfds:oxford_flowers102", size=64, batch=64, flip=True),
    optimizer=dict(name="adam", learning_rate=2e-4, warmup_steps=1000, clip_norm=1.0),
    train=dict(
      steps=60_000, steps_per_dispatch=50, ema=0.9999, log_every=1000, save_every=10_000,
      sample_every=10_000,
    ),
    evaluate=dict(samples=5000),
    sample=dict(n=64, steps=50, scale=2.0),
  ))  # fmt: skip
