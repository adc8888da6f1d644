"""The best of 8 samples of DALL-E for a caption, as scored by CLIP: three trained stages.

  python -m experiments.main --config=configs/rerank_dalle_shapes.py

Nothing else is trained; missing stages are trained first.

Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="rerank"),
    stages=dict(base="configs/dalle_shapes.py", judge="configs/clip_shapes.py"),
    data=dict(name="coloured_shapes", batch=32),
    train=dict(steps=0),
    sample=dict(n=64, tries=8),
    evaluate=dict(samples=1000),
  ))  # fmt: skip
