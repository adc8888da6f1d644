"""A StyleGAN2-ADA of CIFAR-10, with the authors' settings for it.

  python -m experiments.main --config=configs/stylegan2_cifar10.py

The data are a file of arrays, as for sngan_cifar10. The paper's FID of 2.92 (arXiv:2006.06676,
unconditional, after 100 million images) is by Inception, and the aim:
--config.evaluate.features=inception:PATH. Expected: not measured yet; of a size for one GPU.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=2.5e-3, b1=0.0, b2=0.99)
  return ConfigDict(dict(
    model=dict(
      name="stylegan2", latent=512, mapping=2, widths=(512, 512, 512, 512),
      critic=(512, 512, 512, 512), r1=0.01, path=0.0, mixing=0.0, lazy=16,
      augment=("blit", "geometry", "colour"),
    ),
    data=dict(name="npz:data/cifar10.npz", batch=64, flip=True),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=200_000, steps_per_dispatch=20, ema=0.9999, log_every=1000, save_every=10_000,
      sample_every=10_000, fid_every=10_000,
    ),
    evaluate=dict(samples=10_000),
  ))  # fmt: skip
