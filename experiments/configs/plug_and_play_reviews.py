"""A frozen language model of reviews, steered to a style by the gradient of a classifier.

  python -m experiments.main --config=configs/plug_and_play_reviews.py

The stage is language_model_reviews, which is trained where it is missing; the classifier has 130
numbers.

Expected (seeds 0, 1 and 2): of 1,000 sentences 93 % are grammatical and of the style asked for,
where the frozen model gets 48 %; 80 of 100 are distinct, of the frozen model's 84. Longer steps
cost grammar and distinct sentences (lesson control). 2 s of CPU time; sampling costs 25 times that
of the frozen model.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="plug_and_play"),
    stages=dict(first="configs/language_model_reviews.py"),
    data=dict(name="reviews", batch=64),
    optimizer=dict(name="adam", learning_rate=0.3, schedule="cosine"),
    train=dict(steps=600, steps_per_dispatch=50, log_every=100, save_every=600),
    sample=dict(strength=1000.0, steps=3),
  ))  # fmt: skip
