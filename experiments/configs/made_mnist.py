"""A MADE of dynamically binarized MNIST: two layers of 1,000 units, a random order, direct connections, 20 epochs.

  python -m experiments.main --config=configs/made_mnist.py

Expected: see numbers measured by the command; test images are binarized anew in each evaluation.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="made", hidden=(1000, 1000), order="random"),
    data=dict(name="tfds:mnist", batch=100, binarize="dynamic"),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(steps=12000, steps_per_dispatch=50, log_every=500, save_every=4000, sample_every=4000),
    evaluate=dict(repeats=3),
  ))  # fmt: skip
