"""Inpainting by words: the text-to-image model of 16 x 16 coloured shapes, fine-tuned with holes.

  python -m experiments.main --config=configs/glide_inpainting_shapes.py

It starts from configs/text_diffusion_shapes16.py, which is trained first if its run is missing.
Lesson `inpainting_by_words` compares it with RePaint, which needs no training.

Expected (seed 0): 500 test images with a random rectangle missing, painted as their captions say,
have the right colour, ground and half in each direction in 1.00, size in 0.91, shape in 0.69; all
that is known is kept. 65 s of training on one busy CPU core, after the first stage.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="glide_inpainting", holes="box",
      sd=0.77, mean=1.5, spread=1.2, low=0.02, high=40.0, condition=("tokens",), drop=0.1,
      network=dict(name="dit", width=128, depth=4, patch=4),
    ),
    stages=dict(first="configs/text_diffusion_shapes16.py"),
    data=dict(name="coloured_shapes", size=16, batch=32),
    optimizer=dict(
      name="adam", learning_rate=1e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=1500, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=750, sample_every=0
    ),
    evaluate=dict(samples=500),
    sample=dict(n=64),
  ))  # fmt: skip
