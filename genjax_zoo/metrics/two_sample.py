"""Classifier two-sample test: the accuracy of a network trained to distinguish fakes from reals."""

import functools

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.special import bdtrc

from genjax_zoo.core import UserError
from genjax_zoo.metrics.distances import feature_sets

LEARNING_RATE = 1e-3
FEWEST = 20  # Samples of a set.


@functools.partial(jax.jit, static_argnames=("hidden", "steps", "batch"))
def train_and_test(x, y, held_out, key, *, hidden, steps, batch):
  """The logits [M] for `held_out` [M, D] of an MLP trained on x [N, D], labels y [N] in {0, 1}."""
  net = nn.Sequential([nn.Dense(hidden), nn.relu, nn.Dense(hidden), nn.relu, nn.Dense(1)])
  tx = optax.adam(LEARNING_RATE)

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
  return net.apply(params, held_out)[:, 0]


def classifier_two_sample(
  real, fake, hidden: int = 64, steps: int = 1000, batch: int = 128, seed: int = 0
) -> dict:
  """{"accuracy", "standard_error", "p_value", "tested"} of a classifier of real against fake.

  Lopez-Paz & Oquab 2017 (1610.06545), of features [N, D] and [M, D]. Half of min(N, M) samples of
  each set train the network, the other half tests it. An accuracy of 1/2: it finds no difference
  (which may be its own fault); 1: it classifies every sample correctly. `p_value` is the exact
  probability of at least as many correct guesses (binomial, conservative for balanced sets). Raises
  UserError under 20 samples a set.
  """
  real, fake = feature_sets(real=real, fake=fake)
  fewest = min(len(real), len(fake))
  if fewest < FEWEST:
    raise UserError(
      f"the smaller set has {fewest} samples: a two-sample test needs at least {FEWEST}"
    )
  half = fewest // 2
  rng = np.random.default_rng(seed)
  train_real, test_real = rng.permutation(real)[: 2 * half].reshape(2, half, -1)
  train_fake, test_fake = rng.permutation(fake)[: 2 * half].reshape(2, half, -1)
  train = np.concatenate([train_real, train_fake])
  test = np.concatenate([test_real, test_fake])
  labels = np.repeat(np.float32([1, 0]), half)
  mean = train.mean(0, keepdims=True)
  sd = train.std(0, keepdims=True)
  scale = lambda x: jnp.asarray((x - mean) / np.where(sd > 0, sd, 1))
  key = jax.random.key(seed)
  options = {"hidden": hidden, "steps": steps, "batch": batch}
  logits = train_and_test(scale(train), jnp.asarray(labels), scale(test), key, **options)
  n = 2 * half
  right = int(np.sum((np.asarray(logits) > 0) == (labels > 0)))
  accuracy = right / n
  return {
    "accuracy": accuracy,
    "standard_error": float(np.sqrt(accuracy * (1 - accuracy) / n)),
    "p_value": float(bdtrc(right - 1, n, 0.5)) if right else 1.0,
    "tested": n,
  }
