"""WGAN-GP of 25 Gaussians on a grid: it finds all of them.

  python -m experiments.main --config=configs/wgan_gp_25gaussians.py

Expected: 25 of 25 modes, and 87, 86 and 91 % of the samples within 3 standard deviations of one,
with the seeds 0, 1 and 2. 60 to 90 s of training on 2 CPU cores, busy with other work. It
needs the decay of the learning rate. Within a mode the samples' standard deviation is about two
thirds of the data's.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5, b2=0.9, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="wgan", latent=2, hidden=(128, 128, 128), penalty=0.1, n_critic=3),
    data=dict(name="25gaussians", batch=384),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam, steps=36000)),
    train=dict(
      steps=12000, steps_per_dispatch=100, log_every=500, save_every=4000, sample_every=2000,
    ),
    evaluate=dict(samples=10000),
    sample=dict(n=2000),
  ))  # fmt: skip
