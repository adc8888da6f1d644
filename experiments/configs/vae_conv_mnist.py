"""A convolutional VAE of dynamically binarized MNIST: for a GPU.

  python -m experiments.main --config=configs/vae_conv_mnist.py

Expected: not measured. The convolutional VAE in the table of PixelVAE (arXiv:1611.05013) has 87.4
nats with static binarization.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vae", latent=50, hidden=(32, 64, 128), network="conv", activation="silu"),
    data=dict(name="tfds:mnist", batch=128, binarize="dynamic"),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(steps=100_000, steps_per_dispatch=50, log_every=1000, save_every=10_000, sample_every=10_000, ema=0.999),
    schedules=dict(beta=dict(name="linear_schedule", init_value=0.0, end_value=1.0, transition_steps=10_000)),
    evaluate=dict(batch=500, log_prob=dict(estimator="iwae", k=5000)),
  ))  # fmt: skip
