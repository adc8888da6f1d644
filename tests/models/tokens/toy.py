"""A tiny first stage whose codes and decoder are known: black pixels, white ones, or either."""

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.prob.distributions import bernoulli_log_prob

GRID = (2, 2)
CODES = 3
FIELDS = {
  "image": Field((2, 2, 1), np.uint8, 2, kind="image"),
  "label": Field((), np.int32, 4, ordered=False),
  "tokens": Field((2,), np.int32, 3, ordered=False),
}
FROZEN = {"first": ({}, {})}


def first() -> Model:
  """Code 0 draws mostly black pixels, 1 mostly white ones, 2 either; images have codes 0 and 1."""
  logits = jnp.array([-2.0, 2.0, 0.0])

  def encode(params, state, batch, key):
    return {"codes": batch["image"][..., 0].astype(jnp.int32)}

  def decode(params, state, latents, key):
    return {"image": (latents["codes"] == 1).astype(jnp.uint8)[..., None]}

  def log_given(params, state, batch, latents, key):
    nats = bernoulli_log_prob(batch["image"][..., 0], logits[latents["codes"]])
    return nats.reshape(len(nats), -1).sum(-1)

  return Model(
    init=lambda key, batch: ({}, {}),
    encode=encode,
    decode=decode,
    latents={"codes": Field(GRID, np.int32, CODES, ordered=False)},
    parts={"log_given": log_given},
  )


def batch(n=6, seed=0) -> dict:
  """n random examples."""
  rng = np.random.default_rng(seed)
  return {
    "image": rng.integers(0, 2, (n, 2, 2, 1)).astype(np.uint8),
    "label": rng.integers(0, 4, n).astype(np.int32),
    "tokens": rng.integers(0, 3, (n, 2)).astype(np.int32),
  }
