"""DALL-E on sprites and their names: "orcish plate2", by byte pairs.

  python -m experiments.main --config=configs/dalle_sprites.py

The first stage is vqgan_sprites, which is trained where it is missing. Any text is a caption:

  python -m experiments.main --mode=sample --workdir=runs/dalle_sprites \
    --config.sample.given.tokens="red dragon"

Expected (seed 0): the codes of a test sprite cost 150.1 nats given its name, and the name 23.0; at
most 3.29 bits/dim; FID 0.95, by the network of sprites, where train against test gives 0.14. Names
decide colours and textures, "blood red", "green bones", "vine", a frame or a wall; shapes are
blobs. Captions repeat few words, and 3,825 images are few: names that are in no training caption
are not to be expected to be drawn. 2 CPU minutes after the first stage.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="dalle", width=96, layers=3, heads=4, drop=0.1),
    stages=dict(first="configs/vqgan_sprites.py"),
    data=dict(name="npz:data/sprites.npz", vocabulary=512, batch=32),
    optimizer=dict(
      name="adamw", learning_rate=2e-3, schedule="cosine", warmup_steps=50, weight_decay=0.1,
      clip_norm=1.0,
    ),
    train=dict(
      steps=800, steps_per_dispatch=50, ema=0.99, log_every=200, save_every=800, sample_every=0
    ),
  ))  # fmt: skip
