"""A language model of restaurant reviews whose first token is their style, which is given.

  python -m experiments.main --config=configs/language_model_labels_reviews.py

Expected (seeds 0, 1 and 2): of 1,000 sentences 97.7 % are grammatical and of the style asked for,
where the model without a style gets 48 %; guidance, --config.sample.scale=1.5, makes the style
right in 99.6 % and fewer of them distinct (lesson control). 15 s of CPU time.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="language_model", condition=("label",), drop=0.2, width=64, layers=2, heads=4,
      dropout=0.1,
    ),
    data=dict(name="reviews", batch=64),
    optimizer=dict(
      name="adamw", learning_rate=1e-2, schedule="cosine", warmup_steps=50, weight_decay=0.1,
      clip_norm=1.0,
    ),
    train=dict(steps=600, steps_per_dispatch=50, log_every=100, save_every=600, ema=0.99),
  ))  # fmt: skip
