"""PolyGen's vertices of procedural meshes, given the voxels that the surface passes through.

  python -m experiments.main --config=configs/polygen_vertices_voxels.py

16 x 16 x 16 voxels, in patches of 4 x 4 x 4, which all layers attend to.

What to expect is not measured yet; polygen_vertices_meshes is the same without a condition.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="polygen_vertices", width=64, layers=3, heads=4, dropout=0.1, condition=("voxels",)
    ),
    data=dict(name="meshes", voxels=16, batch=32),
    optimizer=dict(
      name="adam", learning_rate=1.5e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=1400, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=700, sample_every=0
    ),
    evaluate=dict(batch=100, samples=200),
    sample=dict(n=24),
  ))  # fmt: skip
