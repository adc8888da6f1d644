"""A BigGAN of CIFAR-10.

  python -m experiments.main --config=configs/biggan_cifar10.py

The data are a file of arrays, as for sngan_cifar10. Expected: not measured yet; of a size for one
GPU.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=2e-4, b1=0.0, b2=0.999)
  n_critic = 4
  return ConfigDict(dict(
    model=dict(name="biggan", latent=80, widths=(256, 256, 256), features=128, n_critic=n_critic),
    data=dict(name="npz:data/cifar10.npz", batch=64 * n_critic, flip=True),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=50_000, steps_per_dispatch=20, ema=0.9999, log_every=1000, save_every=5000,
      sample_every=5000, fid_every=5000,
    ),
    evaluate=dict(samples=10_000),
  ))  # fmt: skip
