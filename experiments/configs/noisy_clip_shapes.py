"""CLIP of 16 x 16 coloured shapes with noise, to guide diffusion by.

  python -m experiments.main --config=configs/noisy_clip_shapes.py

configs/clip_guidance_shapes.py guides by it.

Expected (seed 0): at noise of any level, up to that which hides all, it finds the caption of 0.28
of test images among 500; after 800 steps of 0.07. 5 minutes on a CPU core.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="noisy_clip", network=dict(name="dit", width=96, depth=3, patch=4)),
    data=dict(name="coloured_shapes", size=16, batch=128),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(steps=3000, steps_per_dispatch=50, log_every=250, save_every=1000),
  ))  # fmt: skip
