"""RealNVP on two moons.

  python -m experiments.main --config=configs/realnvp_2d.py

Expected: 1.021 nats on the test split, 0.013 above the data's entropy (one run, seed 0). Eight Gaussians are hard for
affine couplings: --config.data.name=8gaussians is 0.37 nats above (see configs/spline_flow_2d.py). Cost: 9 s of
training on 2 shared CPU cores, and 8 s to compile.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="realnvp", depth=24, hidden=(64, 64)),
    data=dict(name="8gaussians", batch=512),
    optimizer=dict(name="adam", learning_rate=5e-3, schedule="cosine", warmup_steps=200, clip_norm=1.0),
    train=dict(steps=10_000, steps_per_dispatch=100, log_every=1000, save_every=5000, sample_every=5000),
    sample=dict(n=2000),
  ))  # fmt: skip
