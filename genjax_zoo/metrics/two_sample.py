"""Classifier two-sample test: can a network, trained to, tell fakes from reals it has not seen?"""

import functools

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.special import bdtrc

from genjax_zoo.core import UserError
from genjax_zoo.metrics.distances import feature_sets


@functools.partial(jax.jit, static_argnames=("hidden", "steps", "batch", "rate"))
def train_and_test(x, y, unseen, key, *, hidden, steps, batch, rate):
  """Trains an MLP on x [N, D] with labels y [N] in {0, 1} and returns its logits [M] for `unseen`
  [M, D].
  """
  net = nn.Sequential([nn.Dense(hidden), nn.relu, nn.Dense(hidden), nn.relu, nn.Dense(1)])
  tx = optax.adam(rate)

  def loss(params, x, y):
    return optax.sigmoid_binary_cross_entropy(net.apply(params, x)[:, 0], y).mean()

  def step(carry, key):
    params, opt = carry
    rows = jax.random.randint(key, (batch,), 0, len(x))
    updates, opt = tx.update(jax.grad(loss)(params, x[rows], y[rows]), opt)
    return (optax.apply_updates(params, updates), opt), None

  keys = jax.random.split(key, steps + 1)
  params = net.init(keys[0], x[:1])
  (params, _), _ = jax.lax.scan(step, (params, tx.init(params)), keys[1:])
  return net.apply(params, unseen)[:, 0]


def classifier_two_sample(
  real, fake, hidden: int = 64, steps: int = 1000, batch: int = 128, seed: int = 0
) -> dict:
  """{"accuracy", "standard_error", "p_value", "tested"} of a classifier of real [N, D] and fake [M,
  D], on unseen ones.

  Lopez-Paz & Oquab 2017 (1610.06545). Half of min(N, M) samples of each set train the network, as
  many test it. 1/2: it finds no difference (which may be its own fault); 1: it tells every sample
  apart. `p_value` is the exact chance of guessing at least as many right (binomial, conservative
  for balanced sets). Raises UserError under 20 samples a set.
  """
  real, fake = feature_sets(real=real, fake=fake)
  half = min(len(real), len(fake)) // 2
  if half < 10:
    raise UserError(
      f"the smaller set has {min(len(real), len(fake))} samples: a two-sample test needs at least 20"
    )
  rng = np.random.default_rng(seed)
  (seen_real, new_real), (seen_fake, new_fake) = (
    rng.permutation(x)[: 2 * half].reshape(2, half, -1) for x in (real, fake)
  )
  seen, unseen = np.concatenate([seen_real, seen_fake]), np.concatenate([new_real, new_fake])
  labels = np.repeat(np.float32([1, 0]), half)
  mean, sd = seen.mean(0, keepdims=True), seen.std(0, keepdims=True)
  scale = lambda x: jnp.asarray((x - mean) / np.where(sd > 0, sd, 1))
  options = {"hidden": hidden, "steps": steps, "batch": batch, "rate": 1e-3}
  logits = train_and_test(
    scale(seen), jnp.asarray(labels), scale(unseen), jax.random.key(seed), **options
  )
  right, n = int(np.sum((np.asarray(logits) > 0) == (labels > 0))), 2 * half
  accuracy = right / n
  error = np.sqrt(accuracy * (1 - accuracy) / n)
  p_value = float(bdtrc(right - 1, n, 0.5)) if right else 1.0
  return {"accuracy": accuracy, "standard_error": float(error), "p_value": p_value, "tested": n}
