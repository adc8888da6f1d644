"""Denoising diffusion of CIFAR-10 given its classes, with classifier-free guidance, for a GPU.

  python -m experiments.main --config=configs/ddpm_labels_cifar10.py

The network and its training are those of ddpm_cifar10. The data are a file of arrays train_image,
train_label, test_image, test_label: data/cifar10.npz. Expected: not measured here. Ho & Salimans
2022 have, of ImageNet at 64 x 64, the best FID at little guidance, and the best Inception Score at
much.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="ddpm", T=1000, variance="large", condition=("label",), drop=0.1,
      network=dict(name="unet", hidden=(64, 128, 128, 128), blocks=2, attention=(16,), dropout=0.1),
    ),
    data=dict(name="npz:data/cifar10.npz", batch=128, flip=True),
    optimizer=dict(name="adam", learning_rate=2e-4, warmup_steps=5000, clip_norm=1.0),
    train=dict(
      steps=100_000, steps_per_dispatch=50, ema=0.9999, log_every=500, save_every=10_000,
      sample_every=10_000,
    ),
    evaluate=dict(batch=500, log_prob=dict(k=100), samples=2000),
    sample=dict(n=64, sampler="ddim", steps=50, scale=1.3),
  ))  # fmt: skip
