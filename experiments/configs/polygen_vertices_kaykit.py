"""PolyGen's vertices, of the low-polygon models of KayKit (CC0, kaylousberg.com).

  python -m experiments.main --config=configs/polygen_vertices_kaykit.py

data/kaykit holds the OBJ files, 955 of them in eight packs; 301 have at most 100 vertices and 400
tokens of faces. Ten stretched and warped copies of each training mesh are added.

Expected (seed 0): 6.10 bits a vertex of 32 test meshes with masks and 6.44 without; tokens drawn
evenly among the valid ones cost 15.4. 320 CPU seconds in all.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="polygen_vertices", width=64, layers=3, heads=4, dropout=0.1),
    data=dict(name="meshes:data/kaykit", bits=6, vertices=100, tokens=400, copies=10, batch=16),
    optimizer=dict(
      name="adam", learning_rate=1.5e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=2000, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=500, sample_every=0
    ),
    evaluate=dict(batch=32, samples=200),
    sample=dict(n=24, top_p=0.9),
  ))  # fmt: skip
