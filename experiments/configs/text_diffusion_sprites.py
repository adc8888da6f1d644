"""Text to image: a diffusion transformer of 32 x 32 sprites, given their names in byte pairs.

  python -m experiments.main --config=configs/text_diffusion_sprites.py

experiments/sprites.py makes data/sprites.npz. Any text is a caption:

  python -m experiments.main --mode=sample --workdir=runs/text_diffusion_sprites \\
    --config.sample.given.tokens="red dragon"

Expected (seed 0): FID 1.77 of 500 samples given test names and guided by 2, by the network of
sprites, where train against test gives 0.14 and dalle_sprites has 0.95. Names decide colours,
textures and how much is black: walls, grass, clouds. Things are loose patches of 4 x 4 pixels. 13
minutes of training on a CPU core beside other work.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="edm", sd=0.5, mean=0.5, spread=1.6, low=0.02, high=80.0,
      condition=("tokens",), drop=0.1,
      network=dict(name="dit", width=128, depth=4, patch=4),
    ),
    data=dict(name="npz:data/sprites.npz", vocabulary=512, batch=32),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=2000, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=1000, sample_every=0
    ),
    evaluate=dict(samples=500),
    sample=dict(n=64, scale=2.0),
  ))  # fmt: skip
