"""A VAE of restaurant reviews whose code of the style can be exchanged.

  python -m experiments.main --config=configs/controlled_vae_reviews.py

Expected (seeds 0, 1 and 2): of 1,000 sentences of z ~ N(0, I) 88 % (standard deviation 4 %) are
grammatical and of the style asked for. Test sentences written in the other style are all of that
style, and keep 97 % of the slots of their content, though no training sentence has their contents.
80 s of CPU time.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="controlled_vae", hide=0.2, rest=0.1),
    data=dict(name="reviews", batch=64),
    optimizer=dict(
      gen=dict(name="adam", learning_rate=3e-3, schedule="cosine"),
      critic=dict(name="adam", learning_rate=3e-4, b1=0.5, schedule="cosine"),
    ),
    # First the code of the content, then little noise in it.
    schedules=dict(gen=dict(kl_weight=dict(
      name="linear_schedule", init_value=0.0, end_value=0.3, transition_steps=2400,
    ))),
    train=dict(steps=3000, steps_per_dispatch=50, log_every=100, save_every=500, ema=0.99),
  ))  # fmt: skip
