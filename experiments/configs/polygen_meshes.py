"""PolyGen: whole meshes, by a model of vertices and one of faces.

  python -m experiments.main --config=configs/polygen_meshes.py

The stages are polygen_vertices_meshes and polygen_faces_meshes, which are trained where they are
missing; nothing else is trained.

Expected (seed 0): 1.37 bits a vertex, vertices and faces together. Of 200 sampled meshes, with the
top 0.7 of each token's probability, 0.905 are valid and closed; with the top 0.9, 0.815. The others
are mostly prisms whose top is not above their bottom, which no faces close.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="polygen"),
    stages=dict(
      vertices="configs/polygen_vertices_meshes.py", faces="configs/polygen_faces_meshes.py"
    ),
    data=dict(name="meshes", batch=32),
    train=dict(steps=0),
    evaluate=dict(batch=100, samples=200),
    sample=dict(n=24, top_p=0.7),
  ))  # fmt: skip
