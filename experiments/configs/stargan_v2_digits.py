"""StarGAN v2 between 8 x 8 digits: a domain is a class, a style the hand that wrote.

  python -m experiments.main --config=configs/stargan_v2_digits.py

Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.0, b2=0.99, schedule="linear")
  return ConfigDict(dict(
    model=dict(
      name="stargan_v2", widths=(32, 64), blocks=1, critic=(32, 64), latent=8, features=16,
    ),
    data=dict(name="digits", batch=32),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    schedules=dict(gen=dict(diversity=dict(
      name="linear_schedule", init_value=1.0, end_value=0.0, transition_steps=1500,
    ))),
    train=dict(
      steps=3000, steps_per_dispatch=50, ema=0.995, log_every=150, save_every=1500,
      sample_every=1500,
    ),
  ))  # fmt: skip
