"""A StyleGAN2 of MNIST, without augmentation.

  python -m experiments.main --config=configs/stylegan2_mnist.py

Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=2e-3, b1=0.0, b2=0.99)
  return ConfigDict(dict(
    model=dict(
      name="stylegan2", latent=48, mapping=3, widths=(48, 32, 16), critic=(16, 32, 48), lazy=8,
    ),
    data=dict(name="tfds:mnist", batch=32),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=2000, steps_per_dispatch=20, ema=0.998, log_every=100, save_every=500,
      sample_every=500,
    ),
    evaluate=dict(samples=10_000),
  ))  # fmt: skip
