"""A beta-VAE of dSprites at 32 x 32; beta is --config.schedules.beta.value.

  python -m experiments.main --config=configs/vae_dsprites.py

Expected on 1,000 test images: reconstruction 33.9, KL 6.8, IWAE-100 33.2 nats (one run, seed 0).
After so few steps the latents encode position and size; shapes are blobs. For the paper's length
and size, on a GPU:

  --config.data.size=64 --config.data.examples=600000 --config.model.hidden="(32,32,64,64)"
  --config.train.steps=300000

150 s on 2 CPU cores shared with other work.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vae", latent=10, hidden=(32, 32, 64), network="conv"),
    data=dict(name="dsprites", batch=64),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine"),
    train=dict(
      steps=3000, steps_per_dispatch=50, log_every=250, save_every=1500, sample_every=1500,
    ),
    evaluate=dict(examples=1000),
    schedules=dict(beta=dict(name="constant_schedule", value=4.0)),
  ))  # fmt: skip
