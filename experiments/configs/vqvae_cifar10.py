"""A VQ-VAE of CIFAR-10, 32 x 32 as 8 x 8 codes of 512, for a GPU.

  python -m experiments.main --config=configs/vqvae_cifar10.py

Expected: not measured here. The data are a file of arrays train_image, train_label, test_image,
test_label: data/cifar10.npz. Of the networks of van den Oord 2017, two strided convolutions of 256
channels and two residual blocks, the codebook and the optimizer; the batch is theirs, and the steps
are their 250,000.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="vqvae", network="conv", widths=(256, 256), blocks=2, codes=512, features=64, decay=0.99
    ),
    data=dict(name="npz:data/cifar10.npz", batch=128, flip=True),
    optimizer=dict(name="adam", learning_rate=2e-4),
    train=dict(steps=250_000, steps_per_dispatch=50, log_every=1000, save_every=10_000),
  ))  # fmt: skip
