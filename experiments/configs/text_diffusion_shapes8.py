"""Text to image at 8 x 8 pixels: the first stage of configs/cascade_shapes.py.

  python -m experiments.main --config=configs/text_diffusion_shapes8.py

Expected (seed 0): of 500 samples given test captions, as the nearest of all renderings says, place
and background are right in 1.00, colour in 0.99, size in 0.79 (0.98 of real images, of which some
are alike at 8 pixels), shape in 0.33 and all in 0.28. 3 CPU minutes.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="edm", sd=0.77, mean=1.0, spread=1.2, low=0.02, high=40.0,
      condition=("tokens",), drop=0.1,
      network=dict(name="dit", width=128, depth=4, patch=2),
    ),
    data=dict(name="coloured_shapes", size=8, batch=32),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=2500, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=500, sample_every=0
    ),
    evaluate=dict(samples=500),
    sample=dict(n=64),
  ))  # fmt: skip
