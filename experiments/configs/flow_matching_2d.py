"""Flow matching of a checkerboard.

  python -m experiments.main --config=configs/flow_matching_2d.py

Expected (seed 0): log p of 2,000 test points about -2.14 nats, where the truth is -2.08; FID 0.0026
of 1,000 samples as points, precision 0.97. What is lost is lost at the edges of the squares: a
network of 128 units without Fourier features has -2.30 nats and precision 0.89. 164 s of training
on 2 CPU cores beside other work.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="flow_matching",
      network=dict(name="mlp", hidden=(256, 256, 256), fourier=(-1, 0, 1, 2)),
    ),
    data=dict(name="checkerboard", batch=256),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine", warmup_steps=100),
    train=dict(
      steps=7000, steps_per_dispatch=100, ema=0.998, log_every=500, save_every=3500,
      sample_every=3500,
    ),
    evaluate=dict(batch=500, examples=2000, log_prob=dict(steps=50, k=0)),
    sample=dict(n=2000, steps=50),
  ))  # fmt: skip
