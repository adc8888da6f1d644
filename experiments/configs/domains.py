"""A CycleGAN of two folders of images of your own, without pairs: photographs and paintings, say.

  python -m experiments.main --config=configs/domains.py --config.data.name=domains:~/both

The folder has two sub-folders of images of any size; domains:PATH_A,PATH_B names two elsewhere.
Afterwards `run.sample(1, given={"image_a": "photo.jpg"})` makes an image of the second domain of
one of the first, by the order of their names. Nothing says which image of one domain is which of
the other: the maps agree where the domains do.

Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="cyclegan", width=24, blocks=3, critic=(32, 64)),
    data=dict(name="domains:domains", size=32, batch=8),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=3000, steps_per_dispatch=50, ema=0.995, log_every=100, save_every=500, sample_every=500,
    ),
  ))  # fmt: skip
