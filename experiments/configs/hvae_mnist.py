"""Two latents, of 100 and 50 dimensions, with k = 5 importance weights, on binarized MNIST.

  python -m experiments.main --config=configs/hvae_mnist.py

Burda 2015; binarization is dynamic. Expected on all 10,000 test images: -ELBO 95.8, IWAE-500 89.2
nats (standard error over images 0.2; one seed). That is 1.5 less than the VAE with one latent of as
many parameters and one draw, configs/iwae_mnist.py with --config.model.k=1 (90.7), and 0.5 more
than that latent with the same k = 5 (88.7). The posterior of z_2 collapses in all 50 dimensions. So
it does with a warm-up of beta over 5,000 or 10,000 steps, which is also worse: 90.4 with tanh
layers, 89.9 with ReLUs (beta from 0.1, optimizer.clip_norm=10). It does not in
configs/ladder_vae_mnist.py. The paper gains 1.7 nats by the second latent, in 3,280 epochs of
batches of 20, 250 times as many steps. 9 minutes of training on 2 CPU cores. Longer, on a GPU:

  --config.model.k=50 --config.train.steps=600000
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="hvae", k=5, dreg=True, activation="relu"),
    data=dict(name="tfds:mnist", batch=100, binarize="dynamic"),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(
      steps=40_000, steps_per_dispatch=50, log_every=1000, save_every=10_000, sample_every=10_000,
    ),
    evaluate=dict(batch=100, log_prob=dict(k=500)),
  ))  # fmt: skip
