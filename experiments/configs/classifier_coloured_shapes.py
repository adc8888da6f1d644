"""The reader of coloured shapes: their captions from their pixels, and features for the FID.

  python -m experiments.main --config=configs/classifier_coloured_shapes.py

`accuracy` is the share of images whose caption is read without a mistake. Expected: 0.999. Two
minutes on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="classifier", widths=(32, 64, 64), features=64, shift=0, target="tokens"),
    data=dict(name="coloured_shapes", batch=64),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(steps=2500, steps_per_dispatch=50, log_every=250, save_every=1000),
  ))  # fmt: skip
