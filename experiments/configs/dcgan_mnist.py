"""A DCGAN of MNIST: what stylegan2_mnist is compared with, at equal seconds.

  python -m experiments.main --config=configs/dcgan_mnist.py

Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=5e-4, b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="dcgan", latent=64, widths=(32, 64)),
    data=dict(name="tfds:mnist", batch=64),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=6000, steps_per_dispatch=50, ema=0.999, log_every=500, save_every=1000,
      sample_every=1000,
    ),
    evaluate=dict(samples=10_000),
  ))  # fmt: skip
