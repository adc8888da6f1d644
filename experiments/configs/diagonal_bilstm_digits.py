"""A Diagonal BiLSTM, the PixelRNN conditioned on nearly all earlier pixels, on digits.

  python -m experiments.main --config=configs/diagonal_bilstm_digits.py

Expected: 81.5 nats exact, 1.84 bits/dim, FID 0.27 of 1,000 samples.
Cost: 29 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="pixelrnn", lstm="diagonal", width=24, layers=3, first=5),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adamw", learning_rate=3e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(
      steps=600, steps_per_dispatch=50, ema=0.99, log_every=50, save_every=300, sample_every=300,
    ),
  ))  # fmt: skip
