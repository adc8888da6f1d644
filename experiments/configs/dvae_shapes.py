"""DALL-E's own first stage: coloured shapes as 8 x 8 codes of 512, by relaxed samples.

  python -m experiments.main --config=configs/dvae_shapes.py

The temperature tau falls from 1 to 1/16, and the weight of the KL from 10 to 1.

Expected: not measured at this length. After 400 steps (seed 0) 197 of 512 codes are used, PSNR 21.5
dB: the KL's weight falls from 10 to 1, which holds the codes near uniform while tau is high.
"""

from ml_collections import ConfigDict


def get_config():
  steps = 2500
  return ConfigDict(dict(
    model=dict(name="dvae", network="patch", widths=(32, 64), codes=512, features=16),
    data=dict(name="coloured_shapes", batch=32),
    optimizer=dict(name="adam", learning_rate=3e-3, schedule="cosine"),
    schedules=dict(
      tau=dict(
        name="exponential_decay", init_value=1.0, transition_steps=int(0.8 * steps),
        decay_rate=1 / 16, end_value=1 / 16,
      ),
      kl_weight=dict(
        name="linear_schedule", init_value=10.0, end_value=1.0, transition_steps=steps // 2
      ),
    ),
    train=dict(steps=steps, steps_per_dispatch=50, log_every=250, save_every=1000),
  ))  # fmt: skip
