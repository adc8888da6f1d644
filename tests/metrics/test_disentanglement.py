"""Disentanglement scores of codes that are known: perfect, random, mixed, and with closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import accuracy_score

from genjax_zoo.core import UserError
from genjax_zoo.metrics import disentanglement

SIZES = (4, 1, 8, 10)  # The second never varies.
VOTES, EXAMPLES = (300, 300), (4_000, 1_000)
NAMES = {"beta_vae", "factor_vae", "mig", "dci_disentanglement", "dci_completeness", "dci_informativeness", "sap"}


def perfect(factors):
  """Each varying factor in a coordinate of its own, in another order, sign and scale, and one collapsed coordinate."""
  f = jnp.asarray(factors, jnp.float32)
  return jnp.stack([-0.5 * f[:, 2], 0.01 * f[:, 2] * 0, 0.3 * f[:, 0], f[:, 3] - 4], -1)


def random(factors):
  """Noise that knows nothing of the factors."""
  return np.random.default_rng(np.asarray(factors).tobytes()[:64] + b"x" * 0 if False else None).normal(size=(len(factors), 5))


def sample(seed, code, sizes=SIZES, n=4_000):
  return disentanglement.draw(np.random.default_rng(seed), sizes, code, n)


def all_scores(code, seed=0, **options):
  return disentanglement.scores(SIZES, code, seed, VOTES, EXAMPLES, **options)
