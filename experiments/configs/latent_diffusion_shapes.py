"""Text to image in latents: coloured shapes, 32 x 32, by a diffusion transformer of 8 x 8 latents.

  python -m experiments.main --config=configs/latent_diffusion_shapes.py

The first stage is kl_autoencoder_shapes, which is trained where it is missing.

Expected (seed 0): not measured yet.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(
      name="latent_diffusion", schedule="linear", condition=("tokens",), drop=0.1,
      network=dict(name="dit", width=128, depth=4, patch=2),
    ),
    stages=dict(first="configs/kl_autoencoder_shapes.py"),
    data=dict(name="coloured_shapes", batch=32),
    optimizer=dict(
      name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    ),
    train=dict(
      steps=5000, steps_per_dispatch=50, ema=0.99, log_every=250, save_every=1000, sample_every=0
    ),
    evaluate=dict(examples=500, samples=1000),
    sample=dict(n=64, steps=20),
  ))  # fmt: skip
