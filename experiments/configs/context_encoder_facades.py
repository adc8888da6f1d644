"""A context encoder paints the middle of photographs of facades, 32 x 32.

  python -m experiments.main --config=configs/context_encoder_facades.py

The photographs are those of partial_convolution_facades.

Expected of the 106 test photographs (seed 0): PSNR in the hole 17.4 dB, standard error 0.2, where
the nearest known pixel has 16.6; of the whole image 23.4 and 22.6 dB. Windows are painted, blurred,
and the edge of the hole is seen: no skip tells the decoder what is beside it. About two minutes of
CPU time.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="context_encoder", widths=(32, 64, 128), latent=128, critic=(32, 64, 64)),
    data=dict(name="pairs:data/facades", swap=True, size=32, flip=True, batch=32),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(steps=1500, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=500),
  ))  # fmt: skip
