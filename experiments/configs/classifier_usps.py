"""A feature network of USPS, 16 x 16: it reads what CycleGAN makes of MNIST.

  python -m experiments.main --config=configs/classifier_usps.py

experiments/mnist_usps.py makes data/usps.npz. Expected: test accuracy 0.972. A minute on 2 busy
CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="classifier", widths=(32, 64), features=32, shift=1),
    data=dict(name="npz:data/usps.npz", batch=64),
    optimizer=dict(name="adamw", learning_rate=2e-3, weight_decay=0.02, schedule="cosine"),
    train=dict(steps=2000, steps_per_dispatch=50, log_every=250, save_every=1000),
  ))  # fmt: skip
