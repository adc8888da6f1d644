"""Talking heads of avatars, 32 x 32: people never seen before, of four pictures, in 60 poses.

  python -m experiments.main --config=configs/talking_heads_avatars.py

Expected of 100 unseen people (seed 0): read by the nearest of all images of these people in all
poses, the pose is right in 0.96 of the pictures and the person in 0.99, where a shot as it is has
the pose in none, and a picture of another test example in 0.02; PSNR 26.4 dB. Faces are noisy close
up. About 200 s of CPU time.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="talking_heads", widths=(24, 48, 64)),
    data=dict(name="avatars", batch=16),
    optimizer=dict(
      gen=dict(**adam, learning_rate=1e-3), critic=dict(**adam, learning_rate=5e-4),
    ),
    train=dict(
      steps=3000, steps_per_dispatch=50, ema=0.995, log_every=100, save_every=500, sample_every=500,
    ),
    sample=dict(n=32),
  ))  # fmt: skip
