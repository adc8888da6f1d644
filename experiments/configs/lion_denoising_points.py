"""Noisy clouds restored by LION: their latents are diffused a little, and denoised.

  python -m experiments.main --config=configs/lion_denoising_points.py

Nothing is trained here: the first stage, lion_points, is where it is missing. Voxels in place of
noise are --config.model.corruption=voxels --config.model.amount=0.6.

Expected (seed 0), Chamfer distances to the surfaces of test clouds in standardised units: restored
0.129, corrupted 0.157; of what the latents of corrupted clouds are decoded to, as they are, 0.137,
and of clouds that are not corrupted 0.097. Of voxels it is 0.129, 0.177 and 0.152. 40 CPU seconds.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="lion_denoising", corruption="jitter", amount=0.2, share=0.1),
    stages=dict(first="configs/lion_points.py"),
    data=dict(name="points", surface=1024, batch=64),
    train=dict(steps=0),
    evaluate=dict(batch=100),
  ))  # fmt: skip
