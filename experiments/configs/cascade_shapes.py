"""A cascade: text to image at 8 x 8 pixels, then super-resolution to 32 x 32.

  python -m experiments.main --config=configs/cascade_shapes.py

Nothing else is trained; missing stages are trained first. In training the second stage saw noise in
its low resolution, and gets `up_augmentation` of it here.

Expected (seed 0): FID 1.41 of 500 samples given test captions, by the reader of coloured shapes,
where the second stage has 1.16 from true low resolutions, without augmentation. The nearest of all
renderings has place right in 0.99 and more, the background in 1.00, colour in 0.97, size in 0.81,
shape in 0.37 and all in 0.34: what the first stage samples has all in 0.28. Grounds are clean,
shapes grainy. 2 minutes of sampling on a core, after the stages.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="cascade"),
    stages=dict(
      base="configs/text_diffusion_shapes8.py", up="configs/super_resolution_shapes.py"
    ),
    data=dict(name="coloured_shapes", batch=32),
    train=dict(steps=0),
    evaluate=dict(examples=250, samples=500),
    sample=dict(n=32, up_augmentation=0.1),
  ))  # fmt: skip
