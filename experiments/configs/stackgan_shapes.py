"""The second stage of StackGAN: coloured shapes 32 x 32 of captions and of images of 16 x 16.

  python -m experiments.main --config=configs/stackgan_shapes.py

The first stage is text_gan_shapes, which is trained where it is missing.

The lesson wrong_captions has its sharpness beside that of the first stage.

Expected (seed 0): of 1,000 samples given test captions, as the nearest of all renderings says,
background, colour, left and right, top and bottom are right in 0.99 or more, size in 0.86, shape in
0.43, all at once in 0.39, where the first stage, enlarged, has 0.34; FID 0.93, by the features of
the coloured shapes. Edges are sharper than the first stage's, fills are speckled, and squares and
hearts are often round. Three CPU minutes after the first stage's.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.0, b2=0.99, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="stackgan"),
    stages=dict(first="configs/text_gan_shapes.py"),
    data=dict(name="coloured_shapes", batch=32),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=3000, steps_per_dispatch=50, ema=0.995, log_every=150, save_every=1500,
      sample_every=1500,
    ),
    evaluate=dict(samples=1000),
    sample=dict(n=64),
  ))  # fmt: skip
