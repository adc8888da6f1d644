"""pix2pix from outlines to filled shapes, 32 x 32: an outline does not say the colour.

  python -m experiments.main --config=configs/pix2pix_outlines.py

The control that has no critic, in a folder of its own:

  python -m experiments.main --config=configs/pix2pix_outlines.py \
    --workdir=runs/l1_alone/pix2pix_outlines --config.model.adversarial=0

Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="pix2pix", widths=(24, 48, 64, 64), critic=(24, 48), l1=10.0),
    data=dict(name="outlines", batch=16),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=1500, steps_per_dispatch=50, ema=0.995, log_every=250, save_every=500, sample_every=500,
    ),
    sample=dict(n=64),
  ))  # fmt: skip
