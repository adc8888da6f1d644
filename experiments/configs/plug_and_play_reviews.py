"""A frozen language model of reviews, steered to a style by the gradient of a classifier.

  python -m experiments.main --config=configs/plug_and_play_reviews.py

The stage is language_model_reviews, which is trained where it is missing; the classifier has 130
numbers.

Expected (seed 0): of 400 sentences 0.97 are grammatical and 0.755 of the style asked for too, where
the frozen model gets 0.48. Fewer and longer steps reach the style at the cost of grammar (lesson
control). 5 s of CPU time; sampling costs 20 times that of the frozen model and more.
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
