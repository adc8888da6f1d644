"""A feature network: its penultimate layer measures the quality of samples.

  python -m experiments.main --config=configs/classifier_cifar10.py

The data are a file of arrays train_image, train_label, test_image, test_label, data/cifar10.npz.
Expected: test accuracy 0.79. Minutes on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="classifier", widths=(32, 64, 128, 128), features=128, shift=2),
    data=dict(name="npz:data/cifar10.npz", batch=128, flip=True),
    optimizer=dict(name="adamw", learning_rate=2e-3, weight_decay=0.02, schedule="cosine"),
    train=dict(steps=4000, steps_per_dispatch=50, log_every=250, save_every=1000),
  ))  # fmt: skip
