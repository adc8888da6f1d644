"""Denoising diffusion of MNIST, told labels: a U-Net on 14 x 14 x 4, the cosine schedule, 200 levels.

  python -m experiments.main --config=configs/ddpm_mnist.py

Expected (seed 0; of 2,000 samples, by the features of MNIST, where train against test gives 0.02 and noise 29.0): FID
0.097 by all 200 steps, 0.154 by 20 of DDIM, 0.162 and 0.165 by 20 and 10 of DPM-Solver++. The solvers of the ODE agree
with each other, so that what they lack is not steps; the noise of the full chain mends the network's errors. A
classifier sees the label in 91 % of the samples; with guidance of scale 1.5 in 98.4 % (FID 0.164, recall 0.81), of 2 in
99.6 % (0.323, 0.69), of 4 in all (0.864, 0.42). At most 2.24 bits/dim. 15 minutes of training on 2 CPU cores that were
busy with other work too.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="ddpm", T=200, schedule="cosine", prediction="v", hidden=(32, 64), patch=2, conditional=True),
    data=dict(name="tfds:mnist", batch=64),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=100, clip_norm=1.0),
    train=dict(steps=3000, steps_per_dispatch=50, ema=0.998, log_every=100, save_every=500, sample_every=1000),
    evaluate=dict(batch=500, examples=1000, log_prob=dict(k=20), samples=2000),
    sample=dict(n=64, sampler="dpm_solver", steps=20),
  ))  # fmt: skip
