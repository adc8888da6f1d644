"""A multimodal factorisation model of digits and their sounds.

  python -m experiments.main --config=configs/mfm_spoken_digits.py

Expected on the 297 test examples: the label is predicted right from both modalities for 99 %, from
the image alone for 96 %, from the sound alone always. Styles have 2 dimensions, too few to encode
the class: see the lesson missing_modality. 30 s on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="mfm", latent=2),
    data=dict(name="spoken_digits", batch=128),
    optimizer=dict(name="adamw", learning_rate=1e-3, weight_decay=0.1, schedule="cosine"),
    train=dict(steps=4000, steps_per_dispatch=50, ema=0.99, log_every=500, save_every=2000),
    evaluate=dict(samples=0),
  ))  # fmt: skip
