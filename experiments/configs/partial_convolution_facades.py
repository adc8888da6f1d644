"""Partial convolutions inpaint photographs of facades, 32 x 32, of which strokes are missing.

  python -m experiments.main --config=configs/partial_convolution_facades.py

The facades of pix2pix (facades.tar.gz, 400 to train, 106 to test) are unpacked into data/facades:
each file is a photograph and, right of it, its map of labels, which is not used here.

Expected of the 106 test photographs (seed 0): PSNR in the hole 18.8 dB, where the nearest known
pixel has 16.8; of the whole image 24.4 and 22.4 dB; standard errors 0.2 to 0.3. Fills are smooth:
windows are not painted. About two minutes of CPU time.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="partial_convolution", widths=(24, 48, 64)),
    data=dict(name="pairs:data/facades", swap=True, size=32, flip=True, batch=32),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="linear"),
    train=dict(steps=1500, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=500),
  ))  # fmt: skip
