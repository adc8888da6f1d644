"""A VAE, 784-400-20, of statically binarized MNIST (Larochelle's), 10 epochs.

  python -m experiments.main --config=configs/vae_mnist.py

Expected: to be measured.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vae", latent=20, hidden=(400,), likelihood="bernoulli"),
    data=dict(name="tfds:binarized_mnist", batch=100),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(steps=5000, steps_per_dispatch=50, log_every=500, save_every=1000, sample_every=1000),
    evaluate=dict(batch=500, log_prob=dict(estimator="iwae", k=500)),
  ))  # fmt: skip
