"""SR3 with noise conditioning augmentation: the second stage of configs/cascade_shapes.py.

  python -m experiments.main --config=configs/super_resolution_shapes.py

Expected (seed 0): of 500 samples given true low resolutions and captions, without augmentation,
these are 1.1 of 255 gray levels off at 8 x 8 pixels; PSNR 29.2 dB, where bicubic interpolation has
28.2; FID 1.16 by the reader of coloured shapes. The nearest of all renderings has colour in 1.00,
size in 0.90, shape in 0.62, all in 0.61. Grounds are clean, since the difference from the low
resolution is diffused; shapes are ragged. 6 CPU minutes.

Seven tenths of training is at noise beyond the difference's own size. There the low resolution
alone says what the shape is, and the first steps of a sample are taken; with mean=-2.3, spread=1.4
and 1,800 steps PSNR is 27.6 dB.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="sr3", factor=4, residual=True, sd=0.15, mean=-1.0, spread=1.6, low=0.002, high=5.0,
      augment=0.3, condition=("tokens",), drop=0.1,
      network=dict(name="dit", width=128, depth=4, patch=4),
    ),
    data=dict(name="coloured_shapes", batch=32),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=2400, steps_per_dispatch=50, ema=0.99, log_every=200, save_every=800, sample_every=0
    ),
    evaluate=dict(examples=250, samples=500),
    sample=dict(n=32),
  ))  # fmt: skip
