"""Sprites, 32 x 32, as two grids of codes: 4 x 4 of 256, and 8 x 8 of 256 given them.

  python -m experiments.main --config=configs/vqvae2_sprites.py

Stage one of token_prior_sprites; alone it reconstructs images and samples none. data/sprites.npz is
made by experiments/sprites.py. One level with as many codes in all, in a folder of its own:

  python -m experiments.main --config=configs/vqvae2_sprites.py \
    --workdir=runs/one_level/vqvae2_sprites --config.model.name=vqvae --config.model.codes=512

Expected of the test sprites, mean and standard deviation over the seeds 0, 1, 2: PSNR 21.67 dB
(0.10), where one level has 21.53 (0.02) with fewer bits, 576 an image for 640. Both grids speak
(seed 0): coarse codes of another image cost 4.3 dB, fine ones 4.6, and 255 or 256 of either are
used. Without the schedule `drop`, which hides the fine codes at times in the first half, the coarse
ones say little: those of another image cost 0.7 dB, fine ones 7.1. 40 CPU seconds.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vqvae2", network="patch", widths=(32, 64), codes=256, features=16),
    data=dict(name="npz:data/sprites.npz", batch=32),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    # At first the bottom is hidden at times: the top hardly learns beside it.
    schedules=dict(drop=dict(
      name="linear_schedule", init_value=0.3, end_value=0.0, transition_begin=400,
      transition_steps=100,
    )),
    train=dict(steps=800, steps_per_dispatch=50, ema=0.99, log_every=200, save_every=800),
  ))  # fmt: skip
