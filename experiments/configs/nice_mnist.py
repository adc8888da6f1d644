"""NICE on 8-bit MNIST, its networks half as wide as the paper's, with early stopping.

  python -m experiments.main --config=configs/nice_mnist.py

10,000 training images are for validation.

Expected: 4.207 bits/dim on the test split, an upper bound (one run, seed 0); the validation
loss falls to the end, to 2,304 nats. The paper's log-likelihood of 1980.5 nats, of gray levels in
[0, 1], is 4.36 bits/dim. Cost: 380 s of training on 2 CPU cores shared with other work.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="nice", hidden=(500,) * 3, couplings=4),
    data=dict(name="tfds:mnist", batch=200, validation=10_000),
    optimizer=dict(name="adamw", learning_rate=2e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(
      steps=6000, steps_per_dispatch=100, log_every=500, save_every=2000, sample_every=2000,
      validate_every=500, ema=0.999,
    ),
    evaluate=dict(batch=500),
  ))  # fmt: skip
