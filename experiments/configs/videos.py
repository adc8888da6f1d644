"""Diffusion of videos of your own, in pixels and without captions.

  python -m experiments.main --config=configs/videos.py --config.data.name=video:~/clips

The videos are animated gif or webp files, or folders of frames; each is cut to its first 8 frames
and scaled to 32 x 32. What to expect depends on them: a few hundred that are alike, and hours of a
GPU. Configs in the latents of frames, as video_shapes, train faster on a CPU. How a video goes on
is sampled by `video_prediction`.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="video_diffusion", condition=(),
      network=dict(name="dit", width=192, depth=4, patch=4, frames=2),
    ),
    data=dict(name="video:videos", size=32, frames=8, batch=32),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine", warmup_steps=500),
    train=dict(
      steps=20_000, steps_per_dispatch=50, ema=0.999, log_every=500, save_every=2000,
      sample_every=2000,
    ),
    sample=dict(n=16),
  ))  # fmt: skip
