"""A StyleGAN2-ADA of sprites, 32 x 32: few images, changed as much as the critic needs.

  python -m experiments.main --config=configs/stylegan2_ada_sprites.py

experiments/sprites.py makes data/sprites.npz. The control: --config.model.augment=() in a folder of
its own.

Expected (seed 0): FID 4.2 of 1,000 samples, by the features of sprites, where train against test
gives 0.14; after 500, 1,000 and 1,500 updates it is 16, 10 and 5.6, so it is not trained to the
end. Tiles have a colour and a grain, figures are specks in a blob of the right size; no thing is
recognised yet. p rises to 0.15 in 500 updates, when the critic is ahead, and is 0.001 at the end:
so short a training does not need it yet, and the control's FID is 4.4, no clear difference from one
seed. Five CPU minutes.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=2e-3, b1=0.0, b2=0.99)
  return ConfigDict(dict(
    model=dict(
      name="stylegan2", latent=48, mapping=3, widths=(48, 32, 16), critic=(16, 32, 48), lazy=8,
      augment=("blit", "geometry", "colour"), speed=50_000.0,
    ),
    data=dict(name="npz:data/sprites.npz", batch=32),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=2000, steps_per_dispatch=20, ema=0.998, log_every=100, save_every=500,
      sample_every=500,
    ),
  ))  # fmt: skip
