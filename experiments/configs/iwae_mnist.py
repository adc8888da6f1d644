"""An IWAE (Burda 2015): one layer of 50 latents, k = 5 draws an example, on dynamically binarized MNIST, 66 epochs.

  python -m experiments.main --config=configs/iwae_mnist.py

Expected: to be measured.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="hvae", latent=(50,), hidden=(240,), k=5, dreg=True, activation="relu"),
    data=dict(name="tfds:mnist", batch=100, binarize="dynamic"),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(steps=40_000, steps_per_dispatch=50, log_every=1000, save_every=10_000, sample_every=10_000),
    evaluate=dict(batch=100, log_prob=dict(k=5000)),
  ))  # fmt: skip
