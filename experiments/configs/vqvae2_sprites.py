"""Sprites, 32 x 32, as two grids of codes: 4 x 4 of 256, and 8 x 8 of 256 given them.

  python -m experiments.main --config=configs/vqvae2_sprites.py

Stage one of token_prior_sprites; alone it reconstructs images and samples none. data/sprites.npz is
made by experiments/sprites.py. One level with as many codes in all, in a folder of its own:

  python -m experiments.main --config=configs/vqvae2_sprites.py \
    --workdir=runs/one_level/vqvae2_sprites --config.model.name=vqvae --config.model.codes=512

Expected of the test sprites, with the seeds 0, 1, 2: PSNR 21.5, 21.7, 21.9 dB; of one level 21.5
with each, though it has fewer bits: 576 an image for 640. The coarse grid is hardly used after 800
steps (seed 0): with its vectors not quantized the PSNR is the same to 0.01 dB, and with its codes
those of another image 0.7 dB less, where another's fine codes cost 7.1 dB. Not for want of codes:
253 to 256 are used, a perplexity of 168 to 194. With --config.model.drop=0.3 training hides the
fine codes at times, and the two grids say as much as each other: another's codes of either cost 4.3
dB, and without the fine ones the PSNR is 19.2 dB in place of 9.5, at 21.6 dB with both. 45 s on 2
busy CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="vqvae2", network="patch", widths=(32, 64), codes=256, features=16),
    data=dict(name="npz:data/sprites.npz", batch=32),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=dict(steps=800, steps_per_dispatch=50, ema=0.99, log_every=200, save_every=800),
  ))  # fmt: skip
