"""A frozen language model of reviews, steered to a style by a low-rank edit of its activations.

  python -m experiments.main --config=configs/representation_tuning_reviews.py

The stage is language_model_reviews, which is trained where it is missing.

Expected (seeds 0, 1 and 2): of 1,000 sentences 92 % are grammatical and of the style asked for,
where the frozen model gets 48 %, with 1,032 numbers, 1 % of the model's. model.edit=vector and
difference are weaker (lesson control). 6 s of CPU time.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="representation_tuning", at="layer_1", edit="low_rank", rank=4),
    stages=dict(first="configs/language_model_reviews.py"),
    data=dict(name="reviews", batch=64),
    optimizer=dict(name="adam", learning_rate=0.02, schedule="cosine"),
    train=dict(steps=1000, steps_per_dispatch=50, log_every=100, save_every=1000, ema=0.99),
  ))  # fmt: skip
