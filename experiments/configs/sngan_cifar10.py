"""An SNGAN of CIFAR-10: residual networks, hinge.

  python -m experiments.main --config=configs/sngan_cifar10.py

The data are a file of arrays train_image, train_label, test_image, test_label: data/cifar10.npz, or
--config.data.name=npz:PATH. Expected: a curve of FID, by the features of CIFAR-10, that falls along
training; it is of a size for one GPU and not measured yet. The paper's FID of 21.7 after 100,000
steps is by Inception, --config.evaluate.features=inception:PATH.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=2e-4, b1=0.0, b2=0.9, schedule="linear")
  steps, n_critic = 20_000, 5
  return ConfigDict(dict(
    model=dict(name="sngan", latent=128, widths=(128, 128, 128), n_critic=n_critic),
    data=dict(name="npz:data/cifar10.npz", batch=64 * n_critic, flip=True),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam, steps=steps * n_critic)),
    train=dict(
      steps=steps, steps_per_dispatch=20, ema=0.999, log_every=500, save_every=2000,
      sample_every=2000, fid_every=1000
    ),
    evaluate=dict(samples=10_000),
  ))  # fmt: skip
