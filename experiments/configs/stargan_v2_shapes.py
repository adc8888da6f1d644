"""StarGAN v2 between shapes of six colours, 16 x 16: a domain is a colour.

  python -m experiments.main --config=configs/stargan_v2_shapes.py

Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.0, b2=0.99, schedule="linear")
  return ConfigDict(dict(
    model=dict(
      name="stargan_v2", widths=(24, 48), blocks=2, critic=(24, 48, 48), latent=8, features=8,
      cycle=3.0,
    ),
    data=dict(name="coloured_shapes", size=16, label="colour", batch=32),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    schedules=dict(gen=dict(diversity=dict(
      name="linear_schedule", init_value=0.5, end_value=0.0, transition_steps=1000,
    ))),
    train=dict(
      steps=2000, steps_per_dispatch=50, ema=0.995, log_every=100, save_every=500, sample_every=500,
    ),
  ))  # fmt: skip
