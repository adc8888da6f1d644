"""A ladder VAE of digits: latents of 4 x 4 and 2 x 2 pixels, the KL warmed up.

  python -m experiments.main --config=configs/ladder_vae_digits.py

Expected: to be measured.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="ladder_vae", latent=(2, 8), width=32, likelihood="discretized_logistic"),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adamw", learning_rate=3e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(steps=1000, steps_per_dispatch=50, log_every=50, save_every=500, sample_every=500, ema=0.99),
    evaluate=dict(batch=300, log_prob=dict(k=500)),
    schedules=dict(beta=dict(name="linear_schedule", init_value=0.0, end_value=1.0, transition_steps=300)),
  ))  # fmt: skip
