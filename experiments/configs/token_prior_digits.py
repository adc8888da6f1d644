"""A transformer prior of the codes of vqvae_digits: together a generative model of digits.

  python -m experiments.main --config=configs/token_prior_digits.py

The first stage is vqvae_digits, which is trained where it is missing.

Expected (seed 0): FID 0.154, at most 3.15 bits/dim. The prior learns the 1,500 digits by heart: 10
nats of codes in training, 71 of test digits. A minute on 2 busy CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="token_prior", width=64, layers=3, heads=4),
    stages=dict(first="configs/vqvae_digits.py"),
    data=dict(name="digits", batch=64),
    optimizer=dict(
      name="adamw", learning_rate=2e-3, schedule="cosine", warmup_steps=50, weight_decay=0.1
    ),
    train=dict(
      steps=1500, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=1000, sample_every=0
    ),
  ))  # fmt: skip
