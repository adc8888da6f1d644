"""A fully visible sigmoid belief network of dynamically binarized MNIST, 15 epochs.

  python -m experiments.main --config=configs/fvsbn_mnist.py

Expected: see numbers measured by the command; test images are binarized anew in each evaluation.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="fvsbn"),
    data=dict(name="tfds:mnist", batch=100, binarize="dynamic"),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(steps=9000, steps_per_dispatch=50, log_every=500, save_every=3000, sample_every=3000),
    evaluate=dict(repeats=3),
  ))  # fmt: skip
