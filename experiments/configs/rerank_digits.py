"""The best of 8 samples of a VAE in the eyes of a Gaussian mixture: two trained stages, nothing to train.

  python -m experiments.main --config=configs/rerank_digits.py

Expected: to be measured.
"""

from ml_collections import ConfigDict


def get_config():
  return ConfigDict(dict(
    model=dict(name="rerank"),
    stages=dict(base="configs/vae_digits.py", judge="configs/gmm_digits.py"),
    data=dict(name="digits", batch=100),
    train=dict(steps=0),
    sample=dict(n=64, tries=8),
  ))  # fmt: skip
