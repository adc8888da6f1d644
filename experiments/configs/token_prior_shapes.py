"""Text to image by a VQGAN and a transformer of its codes, given captions of coloured shapes.

  python -m experiments.main --config=configs/token_prior_shapes.py

The first stage is vqgan_shapes, which is trained where it is missing. dalle_shapes, beside it,
models captions too, and has a first stage without a critic.

Expected (seed 0): not measured over all of its steps. After 1,800 of them, on 3,000 of the VQGAN's,
in the eight minutes of docs/text_to_image.md, place and background are right in 0.99 and more,
colour in 0.98, size in 0.83, shape in 0.47 and all in 0.42; FID is 0.62.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="token_prior", width=128, layers=4, heads=4, condition=("tokens",)),
    stages=dict(first="configs/vqgan_shapes.py"),
    data=dict(name="coloured_shapes", batch=32),
    optimizer=dict(
      name="adamw", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=4000, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=1000, sample_every=0
    ),
    evaluate=dict(samples=1000, examples=500),
    sample=dict(n=64),
  ))  # fmt: skip
