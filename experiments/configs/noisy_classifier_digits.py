"""A classifier of noisy 8 x 8 digits, which configs/classifier_guidance_digits.py guides diffusion
by.

  python -m experiments.main --config=configs/noisy_classifier_digits.py

Expected (seed 0): an accuracy of 0.70 on the 297 test images, over all 200 levels of noise alike. 6
s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="noisy_classifier", T=200, schedule="cosine",
      network=dict(name="mlp", hidden=(256, 256), dropout=0.1),
    ),
    data=dict(name="digits", batch=128),
    optimizer=dict(name="adamw", learning_rate=1e-3, schedule="cosine", weight_decay=0.05),
    train=dict(steps=1500, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=500),
  ))  # fmt: skip
