"""Speed, as ratios of interleaved medians in one process. Slow: run alone, on an idle machine."""

import time

import jax
import numpy as np
import pytest

from genjax_zoo import data
from genjax_zoo.core import descend, unroll
from genjax_zoo.data.loader import train_loader
from genjax_zoo.models import vae
from genjax_zoo.sharding import jit


@pytest.mark.slow
def test_fifty_steps_a_dispatch_are_faster_than_one():
  digits = data.load("digits")
  model = vae.model(digits.fields, latent=8, hidden=(128,), likelihood="discretized_logistic")
  learner, key = descend(model, optax.adam(1e-3)), jax.random.key(0)
  step_of, states, feeds = {}, {}, {}
  for K in (1, 50):
    loader = train_loader(digits, batch=64, steps_per_dispatch=K, seed=0)
    resident = jax.device_put(loader.resident)

    def dispatch(ts, resident, inputs, loader=loader, K=K):
      step = lambda ts, inputs, key: learner.step(ts, loader.fetch(resident, inputs, key), key)
      return unroll(step, key, K)(ts, inputs)

    step = jit(dispatch, donate_argnums=0)
    step_of[K] = lambda ts, inputs, step=step, resident=resident: step(ts, resident, inputs)[0]
    feeds[K] = loader.inputs(0)
    batch = loader.fetch(resident, jax.tree.map(lambda x: x[0], next(feeds[K])), key)
    states[K] = step_of[K](jit(learner.init)(key, batch), next(feeds[K]))
  seconds = {1: [], 50: []}
  for _ in range(9):
    for K in (1, 50):
      begun = time.perf_counter()
      for _ in range(200 // K):
        states[K] = step_of[K](states[K], next(feeds[K]))
      jax.block_until_ready(states[K])
      seconds[K].append((time.perf_counter() - begun) / 200)
  one, fifty = (np.median(seconds[K]) for K in (1, 50))
  print(f"\nvae_digits, 128 units: K = 1 {1e6 * one:.0f} us, K = 50 {1e6 * fifty:.0f} us a step, {one / fifty:.2f}x")
  assert one / fifty >= 1.4
