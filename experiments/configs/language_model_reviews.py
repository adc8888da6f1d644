"""A language model of restaurant reviews, bad and good.

  python -m experiments.main --config=configs/language_model_reviews.py

Expected (seeds 0, 1 and 2): 0.92 nats a token of test sentences (standard deviation 0.01), whose
contents no training sentence has; the entropy of the grammar is 0.908. 99 of 100 sentences are
grammatical. 15 s of CPU time. In more steps the model learns which contents are good and bad in
training, and test sentences cost more. Captions: language_model_captions.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="language_model", width=64, layers=2, heads=4, dropout=0.1),
    data=dict(name="reviews", batch=64),
    optimizer=dict(
      name="adamw", learning_rate=1e-2, schedule="cosine", warmup_steps=50, weight_decay=0.1,
      clip_norm=1.0,
    ),
    train=dict(steps=600, steps_per_dispatch=50, log_every=100, save_every=600, ema=0.99),
  ))  # fmt: skip
