"""SR3: coloured shapes of 8 x 8 pixels enlarged to 32 x 32 by diffusion.

  python -m experiments.main --config=configs/sr3_shapes.py

Regression by the same network, to compare with:

  python -m experiments.main --config=configs/sr3_shapes.py --workdir=runs/regression_shapes \\
    --config.model.mean=1.6 --config.model.spread=0 --config.sample.steps=1

Expected (seeds 0 to 2): PSNR 32.7 ± 0.1 dB of 500 samples, for 28.2 of bicubic interpolation and
36.8 ± 0.1 of the regression; FID 0.64 ± 0.04 by the reader of coloured shapes, of the regression
0.34 ± 0.02: 8 x 8 pixels leave so little open that the mean of what they allow is nearly the image.
At 8 x 8 pixels samples are 0.5 of 255 levels from what they are given. Large shapes are right, with
ragged edges; small hearts and squares are often blobs. 6 minutes of training on a CPU core.

Four fifths of training is at noise beyond the difference's own size: there the low resolution alone
says what the shape is, and the first steps of a sample are taken. With mean=-2.9, spread=1.2 and
1,800 steps PSNR is 27.4 dB and FID 2.20, with mean=-1.5, spread=1.5 and 2,400 steps 31.5 and 0.87.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="sr3", factor=4, residual=True, sd=0.09, mean=-0.8, spread=1.8, low=0.002, high=5.0,
      network=dict(name="dit", width=128, depth=4, patch=4),
    ),
    data=dict(name="coloured_shapes", batch=32),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=3200, steps_per_dispatch=50, ema=0.99, log_every=200, save_every=800, sample_every=0
    ),
    evaluate=dict(examples=250, samples=500),
    sample=dict(n=32),
  ))  # fmt: skip
