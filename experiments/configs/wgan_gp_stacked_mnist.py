"""WGAN-GP of Stacked MNIST: 1,000 modes, three digits as the channels of an image.

  python -m experiments.main --config=configs/wgan_gp_stacked_mnist.py

Expected: 950 of the 1,000 modes or more in 26,000 samples, by the classifier of MNIST, as the
papers count them; it is of a size for one GPU and not measured yet. Its small sibling,
configs/wgan_gp_stacked_digits.py, is.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=2e-4, b1=0.5, b2=0.9, schedule="linear")
  steps, n_critic = 30_000, 5
  return ConfigDict(dict(
    model=dict(
      name="wgan", latent=128, hidden=(64, 128, 256), network="conv", penalty=10.0,
      n_critic=n_critic,
    ),
    data=dict(name="stacked:tfds:mnist", batch=64 * n_critic),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam, steps=steps * n_critic)),
    train=dict(
      steps=steps, steps_per_dispatch=50, ema=0.999, log_every=500, save_every=5000,
      sample_every=5000,
    ),
    evaluate=dict(samples=26_000),
  ))  # fmt: skip
