"""PolyGen's faces, given vertices, of the low-polygon models of KayKit (CC0, kaylousberg.com).

  python -m experiments.main --config=configs/polygen_faces_kaykit.py

data/kaykit is that of polygen_vertices_kaykit.

Expected (seed 0): 5.38 bits a vertex of 32 test meshes with masks and 6.20 without; tokens drawn
evenly among the valid ones cost 23.0. Without cross_attention and with 1,500 steps these were 5.96
and 6.94. Of the faces sampled for test meshes, of which 0.61 are closed, none close theirs: large
ones are in place, and small ones are missing or tangled. Training meshes cost 3.8 bits a vertex at
the end: of 269 meshes, stretched and warped as they are, there is no more to be learned about
others. 20 minutes of a shared CPU, in three parts; until step 1,838 the rate fell as for 2,500.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="polygen_faces", width=64, layers=3, heads=4, dropout=0.1, cross_attention=True
    ),
    data=dict(name="meshes:data/kaykit", bits=6, vertices=100, tokens=400, copies=10, batch=16),
    optimizer=dict(
      name="adam", learning_rate=1.5e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=2000, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=250, sample_every=0
    ),
    evaluate=dict(batch=32, samples=200),
    sample=dict(n=24, top_p=0.9),
  ))  # fmt: skip
