"""Sprites, 32 x 32, as 8 x 8 codes of 256, by a VQGAN: sharper than vqvae_sprites.

  python -m experiments.main --config=configs/vqgan_sprites.py

experiments/sprites.py makes data/sprites.npz. The perceptual loss is in the feature maps of
classifier_maps_sprites, which is trained where it is missing. The control without a critic, in a
folder of its own:

  python -m experiments.main --config=configs/vqgan_sprites.py \
    --workdir=runs/no_critic/vqgan_sprites --config.schedules.gen.weight.end_value=0

Expected of the test sprites, mean and standard deviation over the seeds 0, 1, 2:

                     PSNR, dB      gradient      Laplacian     FID
  vqgan_sprites      21.31 (0.12)  0.89 (0.01)   0.61 (0.01)   0.168 (0.017)
  without a critic   21.92 (0.05)  0.70 (0.01)   0.28 (0.01)   0.306 (0.031)
  vqvae_sprites      22.00 (0.05)  0.68 (0.00)   0.28 (0.01)   0.346 (0.016)

The gradient is the mean difference of neighbouring pixels, and the Laplacian the mean of its
square, over those of the true images; FID is that of reconstructions, by the network of sprites,
whose architecture is not that of the perceptual loss. Two CPU minutes.

The critic adds all of the detail, and most of what FID gains. Detail has a price in PSNR. Of
sprites set apart from training (seed 0), beside a VQ-VAE of as many codes and steps; "absolute" and
"free" are the error and the critic of the paper, and "bounded" has `spectral`:

  error     critic   steps  perceptual  weight  PSNR, dB  gradient      Laplacian  FID
  absolute  free       800     1          0.8    -0.71    0.69 to 0.85    x 1.46   x 0.53
  squared   free       800     0.5        0.8    -0.33    0.69 to 0.82    x 1.48   x 0.69
  squared   free     1,200     1          1.2    -0.71    0.69 to 0.87    x 1.69   x 0.62
  squared   bounded    600     0.5        1.2    -0.91    0.70 to 0.93    x 2.16   x 0.78
  squared   bounded  1,200     0.5        0.9    -0.66    0.69 to 0.87    x 1.89   x 0.58

A bounded critic has more detail for a decibel. Half of the true gradient is at edges of over 100
gray levels, of which half is left (third row); a quarter of the reconstructions' own is where true
images are flat. Contrast alone is cheaper still: of the VQ-VAE after unsharp masking the gradient
is 0.87 for -0.31 dB, with an FID of x 0.76.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", b1=0.5, b2=0.9)
  return ConfigDict(dict(
    model=dict(
      name="vqgan", network="patch", widths=(32, 64), codes=256, features=16, spectral=True,
      error="squared", perceptual=0.5,
    ),
    stages=dict(judge="configs/classifier_maps_sprites.py"),
    data=dict(name="npz:data/sprites.npz", batch=32),
    optimizer=dict(
      gen=dict(**adam, learning_rate=2e-3, schedule="cosine"),
      critic=dict(**adam, learning_rate=1e-3),
    ),
    # The critic's part begins when reconstructions are no blobs any more.
    schedules=dict(gen=dict(weight=dict(
      name="linear_schedule", init_value=0.0, end_value=0.9, transition_begin=200,
      transition_steps=100,
    ))),
    train=dict(steps=1200, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=600),
  ))  # fmt: skip
