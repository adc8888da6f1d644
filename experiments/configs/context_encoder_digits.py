"""A context encoder paints the lower half of 8 x 8 digits.

  python -m experiments.main --config=configs/context_encoder_digits.py

Expected: to be measured.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(
      name="context_encoder", holes="lower", widths=(32, 64), latent=64, critic=(32, 64),
      adversarial=0.02,
    ),
    data=dict(name="digits", batch=64),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(steps=2000, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=1000),
  ))  # fmt: skip
