"""The multimodal model: the discrepancy of known distributions, and what each latent changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import load, spoken
from genjax_zoo.models.latent_variable import mfm

RNG = np.random.default_rng(0)
DATA = {
  "a": Field((3,), np.float32),
  "b": Field((2, 2, 1), np.uint8, 5),
  "label": Field((), np.int32, 3),
}
BATCH = {
  "a": RNG.normal(size=(6, 3)).astype("f4"),
  "b": RNG.integers(5, size=(6, 2, 2, 1)).astype(np.uint8),
  "label": np.arange(6, dtype=np.int32) % 3,
}


def test_the_discrepancy_is_zero_for_the_prior_and_that_of_a_shifted_one():
  """E k(z, z') is c for z, z' ~ N(m, I), and E k(z, n) is c exp(-|m|²/(D + 4)), n ~ N(0, I).

  With k = exp(-|a - b|²/D), c = (1 + 4 / D)^(-D/2).
  """
  D, m = 4, 0.7
  keys = jax.random.split(jax.random.key(0), 20)
  found = lambda shift: np.mean(
    [mfm.mmd(shift + jax.random.normal(k, (500, D)), jax.random.fold_in(k, 1)) for k in keys]
  )
  assert abs(found(0.0)) < 2e-3
  expected = 2 * (1 + 4 / D) ** (-D / 2) * (1 - np.exp(-D * m**2 / (D + 4)))
  np.testing.assert_allclose(found(m), expected, atol=4e-3)


def made(**options):
  model = mfm.model(DATA, hidden=(16,), features=8, latent=2, shared=2, **options)
  return model, model.init(jax.random.key(0), BATCH)[0]


def test_a_modality_that_is_left_out_does_not_predict_the_label():
  """The label's nats are those given one modality if `missing` is 1, and given both if it is 0."""
  relu = jax.nn.relu
  dense = lambda p, x: x @ p["kernel"] + p["bias"][None]
  found = {}
  for missing in (0.0, 1.0):
    model, params = made(missing=missing, weight=7.0)
    loss, (_, metrics) = model.loss(params, {}, BATCH, jax.random.key(1), train=True)
    np.testing.assert_allclose(
      loss, metrics["error"] + metrics["label"] + 7 * metrics["mmd"], rtol=1e-5
    )
    found[missing] = metrics["label"]

  def nats(*modalities):
    f = params["factor"]
    z = model.encode(params, {}, {m: BATCH[m] for m in modalities}, None)["shared"]
    log_p = jax.nn.log_softmax(
      dense(params["label"], dense(f["Dense_1"], relu(dense(f["Dense_0"], z))))
    )
    return -log_p[np.arange(6), BATCH["label"]]

  np.testing.assert_allclose(found[0.0], nats("a", "b"), rtol=1e-5)
  by = [np.isclose(found[1.0], nats(m), rtol=1e-5) for m in "ab"]
  assert (by[0] ^ by[1]).all() and by[0].any() and by[1].any()


def test_a_style_changes_its_own_modality_and_content_all():
  model, params = made()
  z = model.encode(params, {}, BATCH, None)
  out = lambda z: {k: x.astype(jnp.float32) for k, x in model.decode(params, {}, z, None).items()}
  moves = lambda name: {
    k for k, x in out(z | {name: z[name] + 5}).items() if (x != out(z)[k]).any()
  }
  assert moves("a") == {"a"} and moves("b") == {"b"} and moves("shared") >= {"a", "b"}
  alone = model.encode(params, {}, {"a": BATCH["a"]}, None)
  assert alone.keys() == {"a", "shared"}
  given = model.sample(params, {}, jax.random.key(1), 6, {"a": BATCH["a"]})
  assert given.keys() == DATA.keys() and given["b"].dtype == np.uint8


def test_sounds_are_classified():
  dataset = load("spoken_digits")
  test = dataset.splits["test"]
  label, loudness = spoken.classify(test["sound"])
  np.testing.assert_array_equal(label, test["label"])
  np.testing.assert_allclose(np.sqrt((test["sound"] ** 2).mean(1)), loudness, rtol=1e-4)


def test_mistakes_raise():
  with pytest.raises(UserError, match="two modalities"):
    mfm.model({k: DATA[k] for k in ("a", "label")})


def test_the_loss_has_its_form():
  """Squared errors summed over dimensions and modalities, and the discrepancy of all latents."""
  data = {"a": DATA["a"], "b": Field((2,), np.float32), "label": DATA["label"]}
  batch = BATCH | {"b": RNG.normal(size=(6, 2)).astype("f4")}
  model = mfm.model(data, hidden=(16,), features=8, latent=2, shared=2, weight=7.0)
  params, _ = jax.jit(model.init)(jax.random.key(0), batch)
  key = jax.random.key(1)

  @jax.jit
  def evaluated(params):
    z = model.encode(params, {}, batch, None)
    return z, model.decode(params, {}, z, None), model.loss(params, {}, batch, key, train=False)

  z, out, (loss, (_, metrics)) = evaluated(params)
  error = sum(((batch[m] - out[m]) ** 2).sum(-1) for m in "ab")
  _, k_prior = jax.random.split(key)
  discrepancy = mfm.mmd(jnp.concatenate([z["a"], z["b"], z["shared"]], -1), k_prior)
  np.testing.assert_allclose(metrics["error"], error, rtol=1e-5)
  np.testing.assert_allclose(metrics["mmd"], discrepancy, rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(loss, error + metrics["label"] + 7 * discrepancy, rtol=1e-4)


def test_left_out_is_one_modality_of_some_examples():
  present = mfm.leave_out(jax.random.key(0), ["a", "b", "c"], 3000, 0.4)
  table = np.stack([present[m] for m in "abc"])
  assert (table.sum(0) >= 2).all()
  np.testing.assert_allclose(1 - table.mean(1), 0.4 / 3, atol=0.03)
