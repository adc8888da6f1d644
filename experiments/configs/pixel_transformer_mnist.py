"""A transformer with a convolutional stem of dynamically binarized MNIST.

  python -m experiments.main --config=configs/pixel_transformer_mnist.py

Expected: for an accelerator; not measured here. pytorch-generative reports 79.17 nats for eight
such blocks.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="pixel_transformer", width=64, layers=8, heads=2, stem=3),
    data=dict(name="tfds:mnist", batch=128, binarize="dynamic"),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(steps=40000, steps_per_dispatch=50, ema=0.999, log_every=500, save_every=2500, sample_every=5000),
    evaluate=dict(repeats=3),
  ))  # fmt: skip
