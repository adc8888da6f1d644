"""A gated PixelCNN on CIFAR-10, channels in the order R, G, B.

  python -m experiments.main --config=configs/gated_pixelcnn_cifar10.py

Expected: not measured; for an accelerator. The paper's larger network has 3.03 bits/dim.
For the data see `vae_cifar10`: --config.data.name=npz:PATH.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="gated_pixelcnn", width=126, layers=12, dtype="bfloat16"),
    data=dict(name="npz:data/cifar10.npz", batch=128),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(
      steps=30000, steps_per_dispatch=50, ema=0.999, log_every=500, save_every=2500,
      sample_every=5000,
    ),
  ))  # fmt: skip
