"""PolyGen's faces, given the vertices of procedural meshes.

  python -m experiments.main --config=configs/polygen_faces_meshes.py

Expected (seed 0): 0.029 bits a vertex of test meshes with masks and 0.039 without; tokens drawn
evenly among the valid ones cost 13.5. Of the faces sampled for 200 test meshes, with the top 0.9 of
each token's probability, 0.935 close their mesh. 161 CPU seconds.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="polygen_faces", width=64, layers=3, heads=4),
    data=dict(name="meshes", batch=32),
    optimizer=dict(
      name="adam", learning_rate=1.5e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=1200, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=600, sample_every=0
    ),
    evaluate=dict(batch=100, samples=200),
    sample=dict(n=24, top_p=0.9),
  ))  # fmt: skip
