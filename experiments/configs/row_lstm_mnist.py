"""A Row LSTM of dynamically binarized MNIST, seven layers of 32 features.

  python -m experiments.main --config=configs/row_lstm_mnist.py

Expected: for an accelerator; not measured here. The paper has 80.54 nats, on the static
binarization.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="pixelrnn", lstm="row", width=32, layers=7),
    data=dict(name="tfds:mnist", batch=128, binarize="dynamic"),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(steps=20000, steps_per_dispatch=50, ema=0.999, log_every=500, save_every=2500, sample_every=5000),
    evaluate=dict(repeats=3),
  ))  # fmt: skip
