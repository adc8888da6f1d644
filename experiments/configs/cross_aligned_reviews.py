"""A cross-aligned autoencoder: bad and good restaurant reviews, each rewritten in the other style.

  python -m experiments.main --config=configs/cross_aligned_reviews.py

Expected on the 1,000 test sentences, whose contents no training sentence has: each is reconstructed
word by word in its own style; transfer to the other style is measured in the lesson style_transfer.
The report has examples. 60 s on 2 CPU cores shared with other work.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="cross_aligned", weight=0.1),
    data=dict(name="reviews", batch=64),
    optimizer=dict(
      gen=dict(name="adam", learning_rate=3e-3, schedule="cosine"),
      critic=dict(name="adam", learning_rate=3e-4, b1=0.5, schedule="cosine"),
    ),
    train=dict(steps=1500, steps_per_dispatch=50, log_every=100, save_every=500, ema=0.99),
    sample=dict(temperature=0.0),
  ))  # fmt: skip
