"""Text to image: diffusion of renders of a solid, given a caption and where the camera stands.

  python -m experiments.main --config=configs/text_diffusion_scenes.py

It is the prior of configs/dreamfusion_scenes.py.

Expected (seed 0), of 500 samples given test captions and cameras, by the nearest of all renderings:
shape right in 0.990, colour in 0.998; PSNR beside the true view, of the size that fits best, 26.4
dB. Beside the captions and cameras of others these are 0.25, 0.16 and 16.0. 120 s of CPU time for
the training.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="ddpm", T=500, schedule="cosine", prediction="v",
      condition=("tokens", "camera"), drop=0.1,
      network=dict(name="unet", hidden=(32, 64), patch=2),
    ),
    data=dict(name="coloured_scenes", size=16, ground=False, examples=8000, batch=64),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=2000, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=1000, sample_every=0
    ),
    evaluate=dict(examples=200, samples=500),
    sample=dict(n=64, sampler="dpm_solver", steps=20, scale=2.0),
  ))  # fmt: skip
