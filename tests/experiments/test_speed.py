"""Speed, as ratios of interleaved medians in one process. Slow: run alone, on an idle machine."""

import jax
import numpy as np
import optax
import pytest

from experiments.bench.measure import resident
from genjax_zoo import data, loop
from genjax_zoo.core import descend
from genjax_zoo.data.loader import train_loader
from genjax_zoo.log import Log, read_rows
from genjax_zoo.models.latent_variable import vae
from genjax_zoo.sample import sampler
from genjax_zoo.sharding import make_mesh


def train(folder, learner, digits, K: int, steps: int):
  """The state after `steps` steps in a folder, continued from what is there."""
  loader = train_loader(digits, batch=64, steps_per_dispatch=K, seed=0, devices=jax.device_count())
  with Log(folder, steps) as log:
    return loop.train(
      learner,
      loader,
      log,
      workdir=folder,
      steps=steps,
      steps_per_dispatch=K,
      log_every=500,
      save_every=1000,
    )


def small_vae(digits):
  return vae.model(digits.fields, latent=8, hidden=(64,), likelihood="discretized_logistic")


@pytest.mark.slow
def test_fifty_steps_a_dispatch_are_faster_than_one(tmp_path):
  """The loop itself, on a VAE of digits with 64 units and a batch of 64, three times in turn."""
  digits = data.load("digits")
  model = small_vae(digits)
  rates = {1: [], 50: []}
  for i in range(3):
    for K, measured in rates.items():
      folder = tmp_path / f"{K}_{i}"
      train(folder, descend(model, optax.adam(1e-3)), digits, K, 3000)
      measured += [row["steps_per_second"] for row in read_rows(folder / "metrics.jsonl")[1:-1]]
  one, fifty = (np.median(x) for x in rates.values())
  print(f"\nvae_digits, 64 units: K = 1 {one:.0f}, K = 50 {fifty:.0f} steps/s, {fifty / one:.2f}x")
  assert fifty / one >= 1.4


@pytest.mark.slow
def test_neither_steps_nor_samples_use_more_and_more_memory(tmp_path):
  """20,000 steps with their logs and checkpoints, then 200 dispatches of 500 samples."""
  digits = data.load("digits")
  model = small_vae(digits)
  learner = descend(model, optax.adam(1e-3))
  for steps in 4000, 8000:  # What is made once, also once in a run that continues.
    train(tmp_path, learner, digits, 50, steps)
  before = resident()
  ts = train(tmp_path, learner, digits, 50, 28_000)
  assert resident() - before < 32 * 2**20
  sample = sampler(model, make_mesh(), 500)
  draw = lambda i: sample(ts.weights, ts.state, jax.random.key(i))
  draw(0)
  before = resident()
  for i in range(200):
    draw(i)
  assert resident() - before < 8 * 2**20
