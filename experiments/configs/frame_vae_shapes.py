"""A VAE of the frames of moving shapes, the first stage of configs/video_shapes.py.

  python -m experiments.main --config=configs/frame_vae_shapes.py

Expected (seed 0): −log p(frame | z) 9,917 nats of a test frame and a KL of 114; a reconstruction
without error would have about 9,550. 290 s of training on 2 busy CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="frame_vae", latent=32, hidden=(384, 256)),
    data=dict(name="moving_shapes", batch=16),
    optimizer=dict(name="adam", learning_rate=1.5e-3, schedule="cosine", warmup_steps=100),
    train=dict(steps=8000, steps_per_dispatch=50, log_every=500, save_every=2000),
  ))  # fmt: skip
