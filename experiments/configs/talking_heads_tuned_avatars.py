"""Talking heads of avatars, each tuned to the four pictures of the person that is to be painted.

  python -m experiments.main --config=configs/talking_heads_tuned_avatars.py

Nothing is trained before sampling; the stage talking_heads_avatars is trained where it is missing.
A sample costs 20 updates of each player. Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="talking_heads_tuned"),
    stages=dict(first="configs/talking_heads_avatars.py"),
    data=dict(name="avatars", batch=16),
    train=dict(steps=0),
    evaluate=dict(samples=100),
    sample=dict(n=16, steps=20, rate=3e-4),
  ))  # fmt: skip
