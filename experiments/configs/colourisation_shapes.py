"""An autoencoder that colours gray images of coloured shapes.

  python -m experiments.main --config=configs/colourisation_shapes.py

Expected on the 1,500 test images: PSNR 24.4 dB, which does not beat the gray images' own 25.3: after so few steps the
bottleneck knows places and grounds, no shapes or colours. 130 s on 2 CPU cores busy with other work.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="autoencoder", latent=64, hidden=(32, 64), network="conv", corruption="gray"),
    data=dict(name="coloured_shapes", size=16, batch=32),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(steps=20_000, steps_per_dispatch=50, log_every=1000, save_every=5000, sample_every=0),
  ))  # fmt: skip
