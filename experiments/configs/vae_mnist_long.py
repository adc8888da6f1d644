"""A VAE, 784-300-300-40, of statically binarized MNIST (Larochelle's), 80 epochs with early stopping.

  python -m experiments.main --config=configs/vae_mnist_long.py

Expected: to be measured.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vae", latent=40, hidden=(300, 300), likelihood="bernoulli"),
    data=dict(name="tfds:binarized_mnist", batch=100),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(
      steps=40_000, steps_per_dispatch=50, log_every=1000, save_every=10_000, sample_every=10_000, validate_every=1000,
    ),
    schedules=dict(beta=dict(name="linear_schedule", init_value=0.0, end_value=1.0, transition_steps=5000)),
    evaluate=dict(batch=500, log_prob=dict(estimator="iwae", k=5000)),
  ))  # fmt: skip
