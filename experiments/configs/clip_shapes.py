"""CLIP of coloured shapes: which caption belongs to an image.

  python -m experiments.main --config=configs/clip_shapes.py

Expected (seed 0): of 1,500 test images 0.95 find their caption among all 576, and the shape in what
they find is right in 0.95; of 64 captions, one of which is theirs, they find it in 0.99. 84 CPU
seconds, 2 minutes on 2 busy cores. `python -m genjax_zoo.metrics.clip runs/clip_shapes` makes a
measure of it.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="clip"),
    data=dict(name="coloured_shapes", batch=256),
    optimizer=dict(name="adam", learning_rate=3e-3, schedule="cosine", warmup_steps=50),
    train=dict(steps=900, steps_per_dispatch=50, log_every=100, save_every=450),
  ))  # fmt: skip
