"""pix2pix from outlines to filled shapes, 32 x 32: an outline does not say the colour.

  python -m experiments.main --config=configs/pix2pix_outlines.py

The control that has no critic, in a folder of its own:

  python -m experiments.main --config=configs/pix2pix_outlines.py \
    --workdir=runs/l1_alone/pix2pix_outlines --config.model.adversarial=0

Expected of the 1,000 test outlines (seed 0): the fill has a saturation of 0.53, where that of the
targets is 0.64, and is nearly one of the six colours in 0.57 of the examples; L1 0.041, where black
and white are 2 apart; patch Wasserstein distance 0.012. Fills are of patches, not yet of one
colour, and small shapes are blurred: 0.63 are read as the right shape. The control, after 1,500
updates, is gray: 0.04, at a lower L1, 0.032, and a larger patch distance, 0.026. Two minutes of CPU
time.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="pix2pix", widths=(24, 48, 64, 64), critic=(24, 48), l1=10.0),
    data=dict(name="outlines", batch=16),
    optimizer=dict(  # A critic that learns faster than the generator makes fills bright.
      gen=dict(**adam, learning_rate=5e-4), critic=dict(**adam, learning_rate=1e-3),
    ),
    train=dict(
      steps=4000, steps_per_dispatch=50, ema=0.995, log_every=250, save_every=500, sample_every=500,
    ),
    sample=dict(n=64),
  ))  # fmt: skip
