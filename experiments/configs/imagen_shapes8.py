"""Imagen's first stage: 8 x 8 pixels, given captions as a frozen CLIP reads them.

  python -m experiments.main --config=configs/imagen_shapes8.py

The stage that reads is clip_shapes, which is trained where it is missing.

Expected (seed 0): of 500 samples given test captions, as the nearest of all renderings says, places
and background are right in 1.00, colour in 0.99, size in 0.80 (0.98 of real images, of which some
are alike at 8 pixels), shape in 0.39, all in 0.35. 2 minutes of training on a CPU core, after CLIP.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="imagen", sd=0.77, mean=1.0, spread=1.2, low=0.02, high=40.0, drop=0.1,
      network=dict(name="dit", width=128, depth=4, patch=2),
    ),
    stages=dict(text="configs/clip_shapes.py"),
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
