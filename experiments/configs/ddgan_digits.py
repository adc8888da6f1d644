"""A denoising diffusion GAN of 8 x 8 digits: four steps.

  python -m experiments.main --config=configs/ddgan_digits.py

Expected (seed 0): FID 0.27 of 1,000 samples in four steps each. 83 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="denoising_diffusion_gan", T=4, z_dim=16, r1=0.1,
      network=dict(name="mlp", hidden=(256, 256, 256)),
    ),
    data=dict(name="digits", batch=64),
    optimizer=dict(
      gen=dict(name="adam", learning_rate=0.001, b1=0.5, schedule="cosine"),
      critic=dict(name="adam", learning_rate=0.001, b1=0.5, schedule="cosine"),
    ),
    train=dict(
      steps=6000, steps_per_dispatch=100, ema=0.999, log_every=500, save_every=3000,
      sample_every=3000,
    ),
    sample=dict(n=64),
  ))  # fmt: skip
