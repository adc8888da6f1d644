"""A fully visible sigmoid belief network on dynamically binarized MNIST, 15 epochs.

  python -m experiments.main --config=configs/fvsbn_mnist.py

Expected: 97.0 nats exact, the mean of three binarizations of the test set; FID 2.9 of 1,000
samples.
Cost: 101 s with the evaluation, on 2 busy CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="fvsbn"),
    data=dict(name="tfds:mnist", batch=100, binarize="dynamic"),
    optimizer=dict(name="adam", learning_rate=1e-2, schedule="cosine"),
    train=dict(
      steps=9000, steps_per_dispatch=50, log_every=500, save_every=3000, sample_every=3000,
    ),
    evaluate=dict(repeats=3),
  ))  # fmt: skip
