"""A frozen language model of reviews, steered to a style by 5 learned keys and values a layer.

  python -m experiments.main --config=configs/prefix_tuning_reviews.py

The stage is language_model_reviews, which is trained where it is missing.

Expected (seeds 0, 1 and 2): of 1,000 sentences 88.5 % are grammatical and of the style asked for,
where the frozen model gets 48 %, with 2,560 numbers. 8 s of CPU time.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="prefix_tuning", prefix=5),
    stages=dict(first="configs/language_model_reviews.py"),
    data=dict(name="reviews", batch=64),
    optimizer=dict(name="adam", learning_rate=0.5, schedule="cosine"),
    train=dict(steps=600, steps_per_dispatch=50, log_every=100, save_every=600),
  ))  # fmt: skip
