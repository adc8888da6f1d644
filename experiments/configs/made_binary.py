"""A MADE of 32 orders on the binary data sets of the NADE and MADE papers.

  python -m experiments.main --config=configs/made_binary.py --config.data.name=npz:dna.npz

The file has train_image, valid_image and test_image, [N, 1, D, 1] of 0 and 1. Training stops early,
by the validation split. Expected, in nats: dna 81.7, nips 280.2, and mushrooms 9.9 with
--config.model.masks=1, 10.8 with 32 (published: 79.7, 277, 9.7).
Cost: two minutes each on 2 busy CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="made", hidden=(500,), masks=32),
    data=dict(name="npz:dna.npz", batch=100),
    optimizer=dict(name="adamw", learning_rate=5e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(
      steps=6000, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=2000,
      validate_every=100,
    ),
    evaluate=dict(samples=0),
  ))  # fmt: skip
