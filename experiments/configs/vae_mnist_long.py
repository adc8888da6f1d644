"""A VAE, 784-300-300-40, of statically binarized MNIST, 80 epochs with early stopping.

  python -m experiments.main --config=configs/vae_mnist_long.py

Expected on all 10,000 test images: -ELBO 96.3, IWAE-500 90.7 nats (standard error over images 0.2;
one run, seed 0), of 5,000 draws a little less. The validation loss falls to the end, to 97.0. 31 of
40 latents are active. FID 1.65 of 1,000 samples, by the features of MNIST. Cost: 270 s of training
and 100 s of IWAE-500 on 2 CPU cores shared with other work.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vae", latent=40, hidden=(300, 300), likelihood="bernoulli"),
    data=dict(name="tfds:binarized_mnist", batch=100),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(
      steps=40_000, steps_per_dispatch=50, log_every=1000, save_every=10_000, sample_every=10_000,
      validate_every=1000,
    ),
    schedules=dict(
      beta=dict(name="linear_schedule", init_value=0.0, end_value=1.0, transition_steps=5000),
    ),
    evaluate=dict(batch=500, log_prob=dict(estimator="iwae", k=500)),
  ))  # fmt: skip
