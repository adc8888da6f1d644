"""PolyGen: whole low-polygon models of KayKit, by a model of vertices and one of faces.

  python -m experiments.main --config=configs/polygen_kaykit.py

The stages are polygen_vertices_kaykit and polygen_faces_kaykit, which are trained where they are
missing; nothing else is trained.

Expected (seed 0): 11.5 bits a vertex of 32 test meshes, vertices and faces together; of 200 samples
0.025 are valid, boxes of few faces, where 0.61 of the data are: of so many faces none may be wrong,
and 269 meshes are too few to learn them from. With the top 0.5 of each token's probability it is
0.04 of 100. On ShapeNet, with 8 bits a coordinate and up to 800 vertices, the paper has 4.26 bits a
vertex, from far more meshes and steps, and Draco, a compression of meshes, 27.68.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="polygen"),
    stages=dict(
      vertices="configs/polygen_vertices_kaykit.py", faces="configs/polygen_faces_kaykit.py"
    ),
    data=dict(name="meshes:data/kaykit", bits=6, vertices=100, tokens=400, copies=10, batch=16),
    train=dict(steps=0),
    evaluate=dict(batch=32, samples=200),
    sample=dict(n=24, top_p=0.9),
  ))  # fmt: skip
