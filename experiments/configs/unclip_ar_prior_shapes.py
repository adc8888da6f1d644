"""The autoregressive prior of unCLIP: principal components of an embedding, one after the other.

  python -m experiments.main --config=configs/unclip_ar_prior_shapes.py

CLIP, configs/clip_shapes.py, is trained first if its run is missing. To decode its embeddings:

  python -m experiments.main --config=configs/unclip_shapes.py \\
    --config.stages.prior.model.name=unclip_ar_prior

Expected (seed 0): a sample has the cosine 0.913 with the embedding of its caption's image, the
better of two 0.932; two images of one caption have 0.930, and a sample of the diffusion prior
0.943. 90 s of training on one busy CPU core, after CLIP.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="unclip_ar_prior", dims=16, bins=64),
    stages=dict(clip="configs/clip_shapes.py"),
    data=dict(name="coloured_shapes", batch=256),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50),
    train=dict(
      steps=1000, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=500, sample_every=0
    ),
  ))  # fmt: skip
