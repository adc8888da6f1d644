"""A NADE with 500 hidden units on dynamically binarized MNIST, 10 epochs.

  python -m experiments.main --config=configs/nade_mnist.py

Expected: 86.2 nats exact, the mean of three binarizations of the test set; FID 0.5 of 1,000
samples.
Cost: 11 minutes with the evaluation, on 2 busy CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="nade", hidden=500),
    data=dict(name="tfds:mnist", batch=100, binarize="dynamic"),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(
      steps=6000, steps_per_dispatch=50, log_every=500, save_every=2000, sample_every=2000,
    ),
    evaluate=dict(repeats=3),
  ))  # fmt: skip
