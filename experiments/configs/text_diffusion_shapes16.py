"""Text to image: a diffusion transformer of 16 x 16 coloured shapes, given their captions.

  python -m experiments.main --config=configs/text_diffusion_shapes16.py

With `--config.data.name=folder:PATH` it is of your own images and their captions.txt.

Expected (seed 0) with train.steps=2400: of 1,000 samples given test captions, as the nearest of all
renderings says, the background is right in 1.00, left and right in 0.95, colour in 0.86, size in
0.61, top and bottom in 0.55, shape in 0.31. The words are learned one after the other: 1,000 steps
know the background alone. 110 s of training on 2 busy CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="edm", sd=0.77, mean=0.7, spread=1.5, low=0.02, high=40.0,
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
