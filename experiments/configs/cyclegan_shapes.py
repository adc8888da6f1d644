"""CycleGAN between filled shapes and outlines of other shapes, 16 x 16, without pairs.

  python -m experiments.main --config=configs/cyclegan_shapes.py

Expected (seed 0), of the lesson unpaired, which trains the same networks for as long on 5,000
shapes: outlines keep the ground in 1.00, the form in 0.51; 0.90 have their colour again after
the way back, which the tints of the outlines tell it. Blurred and speckled. Two CPU minutes.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="cyclegan", width=16, blocks=2, critic=(24, 48)),
    data=dict(name="two_renderings", size=16, batch=16),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=2000, steps_per_dispatch=50, ema=0.995, log_every=250, save_every=1000,
      sample_every=500,
    ),
  ))  # fmt: skip
