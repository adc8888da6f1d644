"""A StyleGAN2-ADA of flowers, 64 x 64: 1,020 photographs, changed as much as the critic needs.

  python -m experiments.main --config=configs/stylegan2_ada_flowers.py

`make data DATASET=oxford_flowers102` prepares them. FID is against the test split, by Inception:
--config.evaluate.features=inception:PATH. The weight of R1 is the authors' rule, 0.0002 times the
pixels over the batch. Expected: not measured yet; of a size for one GPU.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=2.5e-3, b1=0.0, b2=0.99)
  size, batch = 64, 64
  return ConfigDict(dict(
    model=dict(
      name="stylegan2", latent=512, mapping=2, widths=(512, 512, 512, 256, 128),
      critic=(128, 256, 512, 512, 512), r1=0.0002 * size**2 / batch, lazy=16,
      augment=("blit", "geometry", "colour"),
    ),
    data=dict(name="tfds:oxford_flowers102", size=size, batch=batch, flip=True),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=60_000, steps_per_dispatch=20, ema=0.9999, log_every=1000, save_every=5000,
      sample_every=5000,
    ),
    evaluate=dict(samples=10_000),
  ))  # fmt: skip
