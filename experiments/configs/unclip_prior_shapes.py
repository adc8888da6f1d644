"""The diffusion prior of unCLIP: CLIP's embedding of a coloured shape, given its caption.

  python -m experiments.main --config=configs/unclip_prior_shapes.py

CLIP, configs/clip_shapes.py, is trained first if its run is missing; configs/unclip_shapes.py makes
images of the embeddings. The autoregressive prior of configs/unclip_ar_prior_shapes.py does the
same.

Expected (seed 0): a sample has the cosine 0.943 with the embedding of its caption's image, the
better of two 0.951; two images of one caption have 0.930, and the caption's own embedding 0.929.
200 s of training on one busy CPU core, after CLIP.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="unclip_prior", network=dict(name="mlp", hidden=(256, 256, 256))),
    stages=dict(clip="configs/clip_shapes.py"),
    data=dict(name="coloured_shapes", batch=256),
    optimizer=dict(name="adam", learning_rate=1e-3, schedule="cosine", warmup_steps=50),
    train=dict(
      steps=1500, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=750, sample_every=0
    ),
  ))  # fmt: skip
