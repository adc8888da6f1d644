"""A language model of the captions of coloured shapes.

  python -m experiments.main --config=configs/language_model_captions.py

Expected (seed 0): captions are 576, about equally likely, which is 6.36 nats each; the model has
6.37, 0.64 a token. Of your own text, a file whose lines are sentences:

  python -m experiments.main --config=configs/language_model_captions.py
  --config.data.name=text:notes.txt
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="language_model", width=64, layers=2, heads=4, dropout=0.1),
    data=dict(name="coloured_shapes", batch=64),
    optimizer=dict(
      name="adamw", learning_rate=1e-2, schedule="cosine", warmup_steps=50, weight_decay=0.1,
      clip_norm=1.0,
    ),
    train=dict(steps=300, steps_per_dispatch=50, log_every=100, save_every=300, ema=0.99),
    evaluate=dict(samples=0),
  ))  # fmt: skip
