"""pix2pix from maps of labels to photographs of facades, 64 x 64.

  python -m experiments.main --config=configs/pix2pix_facades.py

The facades of pix2pix (facades.tar.gz, 400 to train, 106 to test) are unpacked into data/facades:
each file is a photograph and, right of it, its map of labels.

Expected of the 106 test facades (seed 0): L1 0.343, where black and white are 2 apart, PSNR 13.2
dB, patch Wasserstein distance 0.032. With --config.model.adversarial=0 L1 is 0.324 and PSNR 13.9,
lower and higher, and the patches are blurred: 0.064. The photographs of the nearest training maps
(`nearest_targets` of the lesson paired_translation) have a PSNR of 11.3 and, being real, a patch
distance of 0.015, which pix2pix does not reach. Windows and cornices are where the map has them, in
the colours of stone. 75 s of CPU time.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="pix2pix", widths=(24, 48, 64, 96, 96), critic=(24, 48), l1=20.0),
    data=dict(name="pairs:data/facades", swap=True, size=64, flip=True, batch=8),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=1200, steps_per_dispatch=50, ema=0.99, log_every=150, save_every=600, sample_every=600,
    ),
    sample=dict(n=25),
  ))  # fmt: skip
