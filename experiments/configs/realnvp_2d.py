"""RealNVP on eight Gaussians.

  python -m experiments.main --config=configs/realnvp_2d.py

Expected: -0.331 nats on the test split, 0.050 above the data's entropy, and still falling at the
end: eight separate Gaussians are hard for couplings that only scale and shift. Splines get closer
in half of the steps (configs/spline_flow_2d.py). On two moons, --config.data.name=moons, 1.004
nats, where the true density has 0.999 (one run each, seed 0). Cost: 56 s of training on 2 CPU
cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="realnvp", depth=24, hidden=(64, 64)),
    data=dict(name="8gaussians", batch=512),
    optimizer=dict(
      name="adam", learning_rate=5e-3, schedule="cosine", warmup_steps=200, clip_norm=1.0,
    ),
    train=dict(
      steps=10_000, steps_per_dispatch=100, log_every=1000, save_every=5000, sample_every=5000,
    ),
    sample=dict(n=2000),
  ))  # fmt: skip
