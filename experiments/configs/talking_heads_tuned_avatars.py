"""Talking heads of avatars, each tuned to the four pictures of the person that is to be painted.

  python -m experiments.main --config=configs/talking_heads_tuned_avatars.py

Nothing is trained before sampling; the stage talking_heads_avatars is trained where it is missing.
A sample costs 20 updates, by the difference of pixels alone: the game of four images,
--config.model.adversarial=1, costs poses.

Expected of 100 pictures of 13 unseen people (seed 0): read by the nearest of all images of unseen
people in all poses, the person is right in all of them and the pose in 0.94; PSNR 27.4 dB. The
lesson living_portraits compares with what was there before tuning, for 100 people.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="talking_heads_tuned", adversarial=0.0),
    stages=dict(first="configs/talking_heads_avatars.py"),
    data=dict(name="avatars", batch=16),
    train=dict(steps=0),
    evaluate=dict(samples=100),
    sample=dict(n=16, steps=20, rate=3e-4),
  ))  # fmt: skip
