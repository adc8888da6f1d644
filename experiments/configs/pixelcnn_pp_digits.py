"""A PixelCNN++ on digits.

  python -m experiments.main --config=configs/pixelcnn_pp_digits.py

Expected: 82.7 nats exact, 1.86 bits/dim, FID 0.30 of 1,000 samples.
Cost: 6 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="pixelcnn_pp", width=16, blocks=1, scales=2, mixtures=5),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adamw", learning_rate=3e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(
      steps=400, steps_per_dispatch=50, ema=0.99, log_every=50, save_every=200, sample_every=0,
    ),
  ))  # fmt: skip
