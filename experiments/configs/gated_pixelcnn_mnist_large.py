"""A gated PixelCNN of dynamically binarized MNIST, for an accelerator.

  python -m experiments.main --config=configs/gated_pixelcnn_mnist_large.py

Expected: not measured here; `gated_pixelcnn_mnist` is the one for a CPU.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="gated_pixelcnn", width=64, layers=12),
    data=dict(name="tfds:mnist", batch=128, binarize="dynamic"),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(steps=20000, steps_per_dispatch=50, ema=0.999, log_every=500, save_every=2500, sample_every=5000),
    evaluate=dict(repeats=3),
  ))  # fmt: skip
