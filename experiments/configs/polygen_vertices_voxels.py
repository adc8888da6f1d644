"""PolyGen's vertices of procedural meshes, given the voxels that the surface passes through.

  python -m experiments.main --config=configs/polygen_vertices_voxels.py

16 x 16 x 16 voxels, in patches of 4 x 4 x 4, which all layers attend to.

Expected (seed 0): 0.80 bits a vertex of test meshes with masks and 0.82 without, where
polygen_vertices_meshes, which is not given voxels, has 1.34; tokens drawn evenly among the valid
ones cost 15.6. 160 CPU seconds in all.
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
