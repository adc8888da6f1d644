"""Coloured shapes, 32 x 32, as 8 x 8 codes of 512, by a VQGAN.

  python -m experiments.main --config=configs/vqgan_shapes.py

Expected (seed 0): not measured with its own steps. After 3,000, without the triples that
docs/text_to_image.md leaves out, PSNR is 35.1 dB, and of reconstructions the nearest of all
renderings has the shape in 0.87 and the whole caption in 0.87. 4 minutes on a CPU core.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", b1=0.5, b2=0.9)
  return ConfigDict(dict(
    model=dict(name="vqgan", network="patch", widths=(32, 64), codes=512, features=16),
    data=dict(name="coloured_shapes", batch=32),
    optimizer=dict(
      gen=dict(**adam, learning_rate=2e-3, schedule="cosine"),
      critic=dict(**adam, learning_rate=1e-3),
    ),
    # The critic's part begins when reconstructions are no blobs any more.
    schedules=dict(gen=dict(weight=dict(
      name="linear_schedule", init_value=0.0, end_value=0.2, transition_begin=400,
      transition_steps=200,
    ))),
    train=dict(steps=2000, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=1000),
  ))  # fmt: skip
