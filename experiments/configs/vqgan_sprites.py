"""Sprites, 32 x 32, as 8 x 8 codes of 256, by a VQGAN: sharper than vqvae_sprites.

  python -m experiments.main --config=configs/vqgan_sprites.py

experiments/sprites.py makes data/sprites.npz. The perceptual loss is in the feature maps of
classifier_maps_sprites, which is trained where it is missing. The control without a critic, in a
folder of its own:

  python -m experiments.main --config=configs/vqgan_sprites.py \
    --workdir=runs/no_critic/vqgan_sprites --config.schedules.gen.weight.end_value=0

Expected of the test sprites, mean and standard deviation over the seeds 0, 1, 2:

                     PSNR, dB      gradient     Laplacian    FID
  vqgan_sprites      21.05 (0.05)  0.83 (0.01)  0.41 (0.02)  0.225 (0.013)
  without a critic   21.40 (0.05)  0.73 (0.03)  0.27 (0.02)  0.319 (0.017)
  vqvae_sprites      21.74 (0.05)  0.68 (0.01)  0.27 (0.01)  0.371 (0.021)

The gradient is the mean difference of neighbouring pixels, and the Laplacian the mean of its
square, over those of the true images; FID is that of reconstructions, by the network of sprites,
whose architecture is not that of the perceptual loss. The critic adds all of the fine detail, and
two thirds of what FID is gained; some blur remains. 95 s on 2 busy CPU cores.

Detail has a price in PSNR, whatever was tried on sprites set apart from training (seed 0), beside a
VQ-VAE of as many codes and steps. "squared" has the error of vqvae.py in place of the absolute one:

  error     codes  steps  perceptual  weight  PSNR, dB  gradient      Laplacian  FID
  absolute    256    800     1          0      -0.35    0.69 to 0.74    x 0.99   x 0.62
  absolute    256    800     1          0.8    -0.71    0.69 to 0.85    x 1.46   x 0.53
  absolute    512  1,000     1          0.8    -0.83    0.73 to 0.88    x 1.37   x 0.53
  absolute  1,024  1,000     0.5        0.8    -0.82    0.76 to 0.86    x 1.19   x 0.57
  squared     256    800     0.5        0.8    -0.33    0.69 to 0.82    x 1.48   x 0.69
  squared     256    800     0.5        1.2    -0.55    0.69 to 0.84    x 1.58   x 0.68
  squared     256  1,200     1          1.2    -0.71    0.69 to 0.87    x 1.69   x 0.62
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", b1=0.5, b2=0.9)
  return ConfigDict(dict(
    model=dict(name="vqgan", network="patch", widths=(32, 64), codes=256, features=16),
    stages=dict(judge="configs/classifier_maps_sprites.py"),
    data=dict(name="npz:data/sprites.npz", batch=32),
    optimizer=dict(
      gen=dict(**adam, learning_rate=2e-3, schedule="cosine"),
      critic=dict(**adam, learning_rate=1e-3),
    ),
    # The critic's part begins when reconstructions are no blobs any more.
    schedules=dict(gen=dict(weight=dict(
      name="linear_schedule", init_value=0.0, end_value=0.8, transition_begin=200,
      transition_steps=100,
    ))),
    train=dict(steps=800, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=800),
  ))  # fmt: skip
