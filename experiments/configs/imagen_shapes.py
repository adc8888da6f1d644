"""Imagen: captions read by a frozen CLIP, 8 x 8 pixels, then super-resolution to 32 x 32.

  python -m experiments.main --config=configs/imagen_shapes.py

Nothing else is trained; missing stages are trained first. Guidance is strong, and thresholded.

Expected (seed 0): not measured over all steps of its stages. In the 150 seconds of
docs/text_to_image.md, at a guidance scale of 4, places are right in 0.99, colour in 0.96, the
background in 0.86, size in 0.56, all in 0.09; without guidance colour in 0.83, size in 0.78, all in
0.19.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="cascade"),
    stages=dict(
      base="configs/imagen_shapes8.py", up="configs/super_resolution_shapes.py"
    ),
    data=dict(name="coloured_shapes", batch=32),
    train=dict(steps=0),
    evaluate=dict(examples=250, samples=500),
    sample=dict(n=32, scale=4.0, threshold=0.995, up_augmentation=0.1),
  ))  # fmt: skip
