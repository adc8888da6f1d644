"""The multimodal model: its discrepancy is that of known laws, its parts are independent where they should be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import load, spoken
from genjax_zoo.models import mfm

DATA = {"a": Field((3,), np.float32), "b": Field((2, 2, 1), np.uint8, 5), "label": Field((), np.int32, 3)}


def test_the_discrepancy_is_zero_for_the_prior_and_that_of_a_shifted_one():
  """With k = exp(-|a - b|²/D): E k(z, z') of N(m, I) is c, of z and n c exp(-|m|²/(D + 4)), c = (1 + 4 / D)^(-D/2)."""
  D, m = 4, 0.7
  keys = jax.random.split(jax.random.key(0), 20)
  found = lambda shift: np.mean(
    [mfm.mmd(shift + jax.random.normal(k, (500, D)), jax.random.fold_in(k, 1)) for k in keys]
  )
  assert abs(found(0.0)) < 2e-3
  expected = 2 * (1 + 4 / D) ** (-D / 2) * (1 - np.exp(-D * m**2 / (D + 4)))
  np.testing.assert_allclose(found(m), expected, atol=4e-3)


def test_a_style_moves_its_own_modality_and_what_is_shared_moves_all():
  rng = np.random.default_rng(0)
  batch = {
    "a": rng.normal(size=(6, 3)).astype("f4"), "b": rng.integers(5, size=(6, 2, 2, 1)).astype(np.uint8),
    "label": np.arange(6, dtype=np.int32) % 3,
  }  # fmt: skip
  model = mfm.model(DATA, hidden=(16,), features=8, latent=2, shared=2)
  params, _ = model.init(jax.random.key(0), batch)
  z = model.encode(params, {}, batch, None)
  out = lambda z: {k: x.astype(jnp.float32) for k, x in model.decode(params, {}, z, None).items()}
  moves = lambda name: {k for k, x in out(z | {name: z[name] + 5}).items() if (x != out(z)[k]).any()}
  assert moves("a") == {"a"} and moves("b") == {"b"} and moves("shared") >= {"a", "b"}
  alone = model.encode(params, {}, {"a": batch["a"]}, None)
  assert alone.keys() == {"a", "shared"}
  given = model.sample(params, {}, jax.random.key(1), 6, {"a": batch["a"]})
  assert given.keys() == DATA.keys() and given["b"].dtype == np.uint8


def test_sounds_are_told_apart():
  dataset = load("spoken_digits")
  test = dataset.splits["test"]
  label, loudness = spoken.classify(test["sound"])
  np.testing.assert_array_equal(label, test["label"])
  np.testing.assert_allclose(np.sqrt((test["sound"] ** 2).mean(1)), loudness, rtol=1e-4)


def test_mistakes_are_told():
  with pytest.raises(UserError, match="two modalities"):
    mfm.model({k: DATA[k] for k in ("a", "label")})
