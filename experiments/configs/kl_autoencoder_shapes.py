"""Stage one of latent diffusion: coloured shapes, 32 x 32, as 8 x 8 latents of 4 numbers.

  python -m experiments.main --config=configs/kl_autoencoder_shapes.py

Alone it reconstructs images and samples none.

Expected (seed 0): not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="kl_autoencoder", network="patch", widths=(32, 64), channels=4),
    data=dict(name="coloured_shapes", batch=32),
    optimizer=dict(name="adam", learning_rate=3e-3, schedule="cosine"),
    train=dict(steps=2500, steps_per_dispatch=50, log_every=250, save_every=1000),
  ))  # fmt: skip
