"""CLIP guidance: diffusion of 16 x 16 coloured shapes, guided towards captions by a noisy CLIP.

  python -m experiments.main --config=configs/clip_guidance_shapes.py

The diffusion model is that of configs/text_diffusion_shapes16.py without its captions, the CLIP
that of configs/noisy_clip_shapes.py; both are trained first if their runs are missing.

Expected (seed 0): of 500 samples given test captions, as the nearest of all renderings says, places
and background are right in 0.93 and more, colour in 0.77, size in 0.66, shape in 0.28 and all in
0.10. Samples are blocky and far from any image, 0.12 of the range: what pleases CLIP need not look
like data. The lesson clip_guidance has guidance without a classifier beside it. 20 s of sampling on
a core, after the stages.
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
