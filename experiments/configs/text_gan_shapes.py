"""Text to image by a GAN, 16 x 16: coloured shapes of their captions.

  python -m experiments.main --config=configs/text_gan_shapes.py

The lesson wrong_captions compares its critic with others.

Expected (seed 0): of 1,000 samples given test captions, as the nearest of all renderings says,
background, colour, left and right, top and bottom are right in 1.00, size in 0.86, shape in 0.43,
all at once in 0.41. Shapes are a few pixels wide, and not of one colour yet. 3 CPU minutes.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.0, b2=0.99, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="text_gan"),
    data=dict(name="coloured_shapes", size=16, batch=32),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=6000, steps_per_dispatch=50, ema=0.995, log_every=300, save_every=2000,
      sample_every=2000,
    ),
    evaluate=dict(samples=1000),
    sample=dict(n=64),
  ))  # fmt: skip
