"""A consistency model of 8 x 8 digits, trained from scratch: samples in one step.

  python -m experiments.main --config=configs/consistency_digits.py

Expected (seed 0): FID 0.22 of 1,000 samples in one step each, by the features of digits; precision
0.61, recall 0.90. 34 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="consistency", sd=0.75, network=dict(name="unet", hidden=(32, 64))),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    schedules=dict(N=dict(
      name="exponential_decay", init_value=10.0, transition_steps=200, decay_rate=2.0,
      staircase=True,
    )),
    train=dict(
      steps=1000, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=500, sample_every=500,
    ),
    sample=dict(n=64),
  ))  # fmt: skip
