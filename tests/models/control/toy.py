"""A tiny language model with random weights, and sentences in two styles."""

import jax
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.models.autoregressive import language_model

L, V, B = 4, 5, 6
DATA = {
  "tokens": Field((L,), np.int32, V, ordered=False, kind="tokens"),
  "label": Field((), np.int32, 2, ordered=False),
}
SIZE = dict(width=8, layers=2, heads=2)
KEY = jax.random.key(0)


def batch(n=B, seed=0) -> dict:
  """n random sentences."""
  rng = np.random.default_rng(seed)
  tokens = rng.integers(0, V, (n, L)).astype(np.int32)
  return {"tokens": tokens, "label": (np.arange(n) % 2).astype(np.int32)}


def noisy(params, size=0.3):
  """Parameters none of which is 0, as those of last layers are at first."""
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(jax.random.key(7), len(leaves))
  return jax.tree.unflatten(
    tree, [x + size * jax.random.normal(k, x.shape) for x, k in zip(leaves, keys)]
  )


def language(**options):
  """(the Model, its parameters, its state)."""
  model = language_model.model(DATA, **SIZE, **options)
  params, state = model.init(KEY, batch())
  return model, noisy(params), state
