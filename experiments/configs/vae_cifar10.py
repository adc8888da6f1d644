"""A convolutional VAE of CIFAR-10 with a discretized logistic likelihood.

  python -m experiments.main --config=configs/vae_cifar10.py

The data are a file of arrays train_image, train_label, test_image, test_label: data/cifar10.npz, or
--config.data.name=npz:PATH. Expected: after half of the steps a training loss of 13,700 nats, 6.4
bits/dim; the end is not measured yet. 6 minutes to there on 2 CPU cores shared with other work.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="vae", latent=128, hidden=(32, 64, 128), network="conv",
      likelihood="discretized_logistic",
    ),
    data=dict(name="npz:data/cifar10.npz", batch=100),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(
      steps=5000, steps_per_dispatch=50, log_every=500, save_every=1000, sample_every=1000,
    ),
    evaluate=dict(batch=500, log_prob=dict(estimator="iwae", k=10)),
  ))  # fmt: skip
