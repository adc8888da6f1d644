"""What moving shapes do after two frames, without a caption, by the model of video_shapes.

  python -m experiments.main --config=configs/video_prediction_shapes.py

Nothing is trained here: the first stage, video_shapes, is where it is missing.

Expected (seed 0): an error of 2.3 gray levels, where copies of the last given frame have 10.1; of
1,000 predictions 0.935 move on in the direction of the two frames, 0.999 keep the colour and 0.95
the shape.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="video_prediction", frames=2),
    stages=dict(first="configs/video_shapes.py"),
    data=dict(name="moving_shapes", batch=64),
    train=dict(steps=0),
    sample=dict(n=32),
  ))  # fmt: skip
