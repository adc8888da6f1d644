"""A GAN of photographs of your own, made for a few hundred of them and minutes of a laptop's CPU.

  python -m experiments.main --config=configs/photos.py --config.data.name=folder:~/photos

The photographs may have any size. In sub-folders they are classes, and the model is conditioned on
them: `run.sample(10, given={"label": "roses"})` takes the name of a folder. Differentiable
augmentation keeps the critic from knowing few images by heart. A larger `data.size`, such as 64,
takes a longer `model.widths`, such as 32,64,128,128.

Expected, of 460 photographs of six kinds of flowers (seed 0): kinds can be recognised after 500
steps. After all, a small classifier trained on the photographs, right of 74 % of the test ones,
agrees with 85 % of the labels asked for; an FID of 0.18 by its features, where train against test
gives 0.06; copies 0.54, where 1/2 is best. 280 s of CPU time with evaluation and report, two to
four minutes on two cores.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
  return ConfigDict(dict(
    model=dict(
      name="dcgan", condition=None, latent=64, widths=(32, 64, 128),
      augment=("colour", "translation", "cutout"),
    ),
    data=dict(name="folder:photos", size=32, batch=64, flip=True),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=3000, steps_per_dispatch=50, ema=0.995, log_every=100, save_every=500, sample_every=500,
    ),
  ))  # fmt: skip
