"""Layout to image: coloured shapes, 16 x 16, given a box about the shape, and captions.

  python -m experiments.main --config=configs/layout_shapes.py

Expected (seed 0): of 1,000 samples given test boxes and captions, as the nearest of all renderings
says, the centre is within 2 of the 16 pixels of that of the box in 1.00, where that of another
example would be in 0.25; place and background are right in 1.00, colour in 0.997, size in 0.84,
shape in 0.35 (0.25 by chance) and all in 0.34: a box says nothing of the shape, of which a map of
classes says much (segmentation_shapes, 0.72). Grounds are grainy. 195 s of training on one busy CPU
core.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="edm", sd=0.77, mean=1.5, spread=1.2, low=0.02, high=40.0,
      condition=("box", "tokens"), drop=0.1,
      network=dict(name="dit", width=128, depth=4, patch=4),
    ),
    data=dict(name="coloured_shapes", size=16, layout=True, batch=32),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=3000, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=1000, sample_every=0
    ),
    evaluate=dict(samples=1000),
    sample=dict(n=64),
  ))  # fmt: skip
