"""CLIP guidance: diffusion of 16 x 16 coloured shapes, guided towards captions by a noisy CLIP.

  python -m experiments.main --config=configs/clip_guidance_shapes.py

The diffusion model is that of configs/text_diffusion_shapes16.py without its captions, the CLIP
that of configs/noisy_clip_shapes.py; both are trained first if their runs are missing.

Expected: not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="classifier_guidance"),
    stages=dict(
      first="configs/text_diffusion_shapes16.py", classifier="configs/noisy_clip_shapes.py"
    ),
    data=dict(name="coloured_shapes", size=16),
    train=dict(steps=0),
    evaluate=dict(samples=500),
    sample=dict(n=64, steps=30, scale=4.0),
  ))  # fmt: skip
