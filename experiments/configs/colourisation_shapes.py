"""An autoencoder that colours gray images of coloured shapes.

  python -m experiments.main --config=configs/colourisation_shapes.py

Expected: to be measured. Of a gray image the colours are a guess: the mean of all that it can be is least wrong.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="autoencoder", latent=64, hidden=(32, 64, 128), network="conv", corruption="gray"),
    data=dict(name="coloured_shapes", batch=64),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(steps=1500, steps_per_dispatch=50, log_every=250, save_every=750, sample_every=0),
  ))  # fmt: skip
