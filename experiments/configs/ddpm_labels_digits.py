"""Denoising diffusion of 8 x 8 digits given labels, for guidance without a classifier.

  python -m experiments.main --config=configs/ddpm_labels_digits.py

Expected (seed 0): FID 0.064 of 1,000 samples by the features of digits, where train against test
gives 0.056; 97.3 % of them with the label that was asked for; precision 0.87, recall 0.92; at most
2.73 bits/dim. Guidance of scale 1.5 makes that 99.8 % and loses modes (lesson diffusion_samplers):
FID 0.10, recall 0.79. 46 s of training on 2 CPU cores.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="ddpm", T=200, schedule="cosine", prediction="v", condition=("label",),
      network=dict(name="unet", hidden=(32, 64)),
    ),
    data=dict(name="digits", batch=64),
    optimizer=dict(name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=100),
    train=dict(
      steps=1500, steps_per_dispatch=50, ema=0.99, log_every=100, save_every=500, sample_every=500,
    ),
    evaluate=dict(batch=300, log_prob=dict(k=20)),
    sample=dict(n=64, sampler="dpm_solver", steps=20),
  ))  # fmt: skip
