"""A NADE on the binary data sets of the NADE and MADE papers.

  python -m experiments.main --config=configs/nade_binary.py --config.data.name=npz:dna.npz

The file has train_image, valid_image and test_image, [N, 1, D, 1] of 0 and 1. Training stops early,
by the validation split. Expected, in nats: dna 82.9, mushrooms 10.0, nips 277.1 (published: 84.8,
9.8, 273).
Cost: one to two minutes each on 2 busy CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="nade", hidden=500),
    data=dict(name="npz:dna.npz", batch=100),
    optimizer=dict(name="adamw", learning_rate=1e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(
      steps=1500, steps_per_dispatch=50, ema=0.99, log_every=50, save_every=500, validate_every=50,
    ),
    evaluate=dict(samples=0),
  ))  # fmt: skip
