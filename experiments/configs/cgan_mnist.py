"""A class-conditional GAN of MNIST, with a projection critic, convolutions and R1.

  python -m experiments.main --config=configs/cgan_mnist.py

Expected: FID 0.09 of 10,000 samples (seed 0) by the features of MNIST, where train against test
gives 0.02 and a VAE of the same gray images 3.8 (configs/vae_mnist.py with
--config.data.name=tfds:mnist and --config.model.likelihood=discretized_logistic); their classifier
agrees with 97 % of the labels asked for; precision 0.72, recall 0.83. 10 minutes of training on 2
CPU cores that four other processes kept busy.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=5e-4, b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(
      name="cgan", condition=("label",), critic="projection", latent=64, hidden=(32, 64),
      network="conv", r1=1.0,
    ),
    data=dict(name="tfds:mnist", batch=64),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=6000, steps_per_dispatch=20, ema=0.999, log_every=200, save_every=2000,
      sample_every=2000,
    ),
    evaluate=dict(samples=10000),
  ))  # fmt: skip
