"""An autoencoder that colourises gray images of coloured shapes.

  python -m experiments.main --config=configs/colourisation_shapes.py

Expected on the 1,500 test images of 16 x 16: PSNR 30.4 dB, where the gray images have 25.7.
Nearly all shapes get the right colour, but hardly any yet on black. Colours come late: 26.1 dB
after a quarter of the steps, and at 32 x 32 none within 1,500. About 150 steps/s on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="autoencoder", latent=64, hidden=(32, 64), network="conv", corruption="gray"),
    data=dict(name="coloured_shapes", size=16, batch=32),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(
      steps=20_000, steps_per_dispatch=50, log_every=1000, save_every=5000, sample_every=0,
    ),
  ))  # fmt: skip
