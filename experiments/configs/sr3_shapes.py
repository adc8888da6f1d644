"""SR3: coloured shapes of 8 x 8 pixels enlarged to 32 x 32 by diffusion.

  python -m experiments.main --config=configs/sr3_shapes.py

Regression by the same network, to compare with:

  python -m experiments.main --config=configs/sr3_shapes.py --workdir=runs/regression_shapes \\
    --config.model.mean=1.6 --config.model.spread=0 --config.sample.steps=1

Expected (seed 0): regression, stopped after 997 of 1,500 steps, has a PSNR of 34.3 dB, for 28.2 of
bicubic interpolation, and FID 0.96 of 500 images by the reader of coloured shapes. Samples of SR3
are not measured yet: training takes 6 minutes on one busy CPU core.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="sr3", factor=4, residual=True, sd=0.09, mean=-2.9, spread=1.2, low=0.002, high=5.0,
      network=dict(name="dit", width=128, depth=4, patch=4),
    ),
    data=dict(name="coloured_shapes", batch=32),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=1800, steps_per_dispatch=50, ema=0.99, log_every=200, save_every=600, sample_every=0
    ),
    evaluate=dict(examples=250, samples=500),
    sample=dict(n=32),
  ))  # fmt: skip
