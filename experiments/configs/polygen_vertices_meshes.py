"""PolyGen's vertices, of procedural meshes.

  python -m experiments.main --config=configs/polygen_vertices_meshes.py

Expected (seed 0): 1.34 bits a vertex of test meshes with masks and 1.35 without; tokens drawn
evenly among the valid ones cost 15.6. Sampling 32 with a cache takes a sixteenth of the time that
it takes without (sample(cached=False)). 106 CPU seconds.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="polygen_vertices", width=64, layers=3, heads=4),
    data=dict(name="meshes", batch=32),
    optimizer=dict(
      name="adam", learning_rate=1.5e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=1400, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=700, sample_every=0
    ),
    evaluate=dict(batch=100, samples=200),
    sample=dict(n=24),
  ))  # fmt: skip
