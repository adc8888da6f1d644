"""Text to image: a diffusion transformer of 16 x 16 coloured shapes, given their captions.

  python -m experiments.main --config=configs/text_diffusion_shapes16.py

With `--config.data.name=folder:PATH` it is of your own images and their captions.txt.

Expected (seed 0): of 1,000 samples given test captions, as the nearest of all renderings says,
place and background are right in 1.00, colour in 0.994, size in 0.84, shape in 0.37 (0.25 by
chance; at 16 pixels shapes differ by little) and all in 0.35; the distance to that rendering is
0.047. 234 CPU seconds, 4 minutes on a core.

Captions are read at high noise: before anything is seen they say the most, and what is learned at
low noise drowns their gradient. Of log sigma ~ N(0.7, 1.5^2) 800 steps know the background alone,
of N(1.5, 1) 500 steps know the place.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="edm", sd=0.77, mean=1.5, spread=1.2, low=0.02, high=40.0,
      condition=("tokens",), drop=0.1,
      network=dict(name="dit", width=128, depth=4, patch=4),
    ),
    data=dict(name="coloured_shapes", size=16, batch=32),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=5000, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=1000, sample_every=0
    ),
    evaluate=dict(samples=1000),
    sample=dict(n=64),
  ))  # fmt: skip
