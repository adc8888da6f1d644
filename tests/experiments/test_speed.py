"""Speed, as ratios of interleaved medians in one process. Slow: run alone, on an idle machine."""

import jax
import numpy as np
import optax
import pytest

from genjax_zoo import data, loop
from genjax_zoo.core import descend
from genjax_zoo.data.loader import train_loader
from genjax_zoo.log import Log, read_rows
from genjax_zoo.models.latent_variable import vae


@pytest.mark.slow
def test_fifty_steps_a_dispatch_are_faster_than_one(tmp_path):
  """The loop itself, on a VAE of digits with 64 units and a batch of 64, three times in turn."""
  digits = data.load("digits")
  model = vae.model(digits.fields, latent=8, hidden=(64,), likelihood="discretized_logistic")
  rates = {1: [], 50: []}
  for i in range(3):
    for K, measured in rates.items():
      loader = train_loader(
        digits, batch=64, steps_per_dispatch=K, seed=0, devices=jax.device_count()
      )
      folder = tmp_path / f"{K}_{i}"
      with Log(folder, 3000) as log:
        loop.train(
          descend(model, optax.adam(1e-3)),
          loader,
          log,
          workdir=folder,
          steps=3000,
          steps_per_dispatch=K,
          log_every=500,
          save_every=3000,
        )
      measured += [row["steps_per_second"] for row in read_rows(folder / "metrics.jsonl")[1:-1]]
  one, fifty = (np.median(x) for x in rates.values())
  print(f"\nvae_digits, 64 units: K = 1 {one:.0f}, K = 50 {fifty:.0f} steps/s, {fifty / one:.2f}x")
  assert fifty / one >= 1.4
