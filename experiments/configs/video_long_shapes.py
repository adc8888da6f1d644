"""Videos of 16 frames, window by window: the network sees 8 of them at once.

  python -m experiments.main --config=configs/video_long_shapes.py

The first stage is frame_vae_shapes, of the frames of shorter videos. The first window is sampled
from a caption, the next ones from it and from the last frames before them.

Expected (seed 0): of 200 samples of 16 frames, in three windows, direction and colour are right in
1.00, shape in 0.91; centroids are 0.49 pixels off a straight line. Shapes move by a pixel a frame;
steps err by 0.28 and 0.36 pixels where windows meet, by 0.20 to 0.36 elsewhere: no jump. 160 s
of the processor, after the first stage.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="video_diffusion", window=8, overlap=3, drop=0.4,
      network=dict(name="dit", width=128, depth=3),
    ),
    stages=dict(first="configs/frame_vae_shapes.py"),
    data=dict(name="moving_shapes", frames=16, examples=3000, batch=64),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=100),
    train=dict(
      steps=2000, steps_per_dispatch=50, ema=0.995, log_every=250, save_every=1000, sample_every=0
    ),
    evaluate=dict(samples=200, examples=200),
    sample=dict(n=32, scale=2.0),
  ))  # fmt: skip
