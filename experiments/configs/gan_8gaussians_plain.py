"""The GAN of configs/gan_8gaussians.py without R1: it loses modes.

  python -m experiments.main --config=configs/gan_8gaussians_plain.py

Expected: 5, 8 and 8 of 8 modes (with a fifth of its share of the samples or more) with the seeds 0,
1, 2, unevenly (reverse KL 0.46, 0.014 and 0.009 nats), and 87 to 89 % of the samples within 3
standard deviations of one. On 25 Gaussians, --config.data.name=25gaussians, 7, 9 and 7 of 25. 13 s
on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="gan", latent=8, hidden=(128, 128), r1=0.0),
    data=dict(name="8gaussians", batch=256),
    optimizer=dict(
      gen=dict(name="adam", learning_rate=1e-3, b1=0.5),
      critic=dict(name="adam", learning_rate=2e-3, b1=0.5),
    ),
    train=dict(steps=8000, steps_per_dispatch=100, ema=0.999, log_every=500, save_every=4000, sample_every=2000),
    sample=dict(n=2000),
  ))  # fmt: skip
