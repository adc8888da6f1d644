"""A gated PixelCNN on MNIST with all 256 gray levels.

  python -m experiments.main --config=configs/gated_pixelcnn_mnist8.py

Expected: not measured; for an accelerator. 0.820 bits/dim are published for a similar network.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="gated_pixelcnn", width=64, layers=12),
    data=dict(name="tfds:mnist", batch=128),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(
      steps=60000, steps_per_dispatch=50, ema=0.999, log_every=500, save_every=2500,
      sample_every=5000,
    ),
  ))  # fmt: skip
