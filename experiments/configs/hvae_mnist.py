"""Two levels of latents, 100 and 50, k = 5 draws an example (Burda 2015), on dynamically binarized
MNIST.

  python -m experiments.main --config=configs/hvae_mnist.py

Expected on all 10,000 test images: -ELBO 95.8, IWAE-500 89.2 nats (standard error over images 0.2;
one seed): 1.5 less than the VAE with one level, as many parameters and one draw, which is
configs/iwae_mnist.py with --config.model.k=1 (90.7), and 0.5 more than that level with the same k =
5 (88.7). z_2 falls asleep, all of its 50 units, in a warm-up of beta over 5,000 or 10,000 steps
too, which costs: 90.4 with tanh layers, 89.9 with ReLUs (beta from 0.1, optimizer.clip_norm=10).
Levels stay awake in configs/ladder_vae_mnist.py. The paper's gain by a second level, 1.7 nats, is
that of 3,280 epochs of batches of 20, 250 times as many steps. 9 minutes of training on 2 CPU
cores. Longer, on a GPU:

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
