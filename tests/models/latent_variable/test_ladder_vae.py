"""The ladder VAE: its closed-form bound is the Monte Carlo one; its probabilities sum to one."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.latent_variable import ladder_vae

DATA = {"image": Field((2, 2, 1), np.uint8, 2)}
IMAGES = np.array(list(itertools.product(range(2), repeat=4)), np.uint8).reshape(-1, 2, 2, 1)


def shaken(model, by=0.3):
  params, _ = model.init(jax.random.key(0), {"image": IMAGES})
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(jax.random.key(1), len(leaves))
  return tree.unflatten([p + by * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys)])


def test_the_posterior_is_the_normalised_product():
  rng, z = np.random.default_rng(0), np.linspace(-8, 8, 4001)
  a, b = rng.normal(size=(2, 2)).astype("f4")
  mean, logvar = ladder_vae.product(a, b)
  log_p = lambda mean, logvar: -0.5 * (z - mean) ** 2 / np.exp(logvar)
  product = np.exp(log_p(*a) + log_p(*b))
  product /= product.sum()
  np.testing.assert_allclose(mean, (product * z).sum(), rtol=1e-4)
  np.testing.assert_allclose(np.exp(logvar), (product * (z - mean) ** 2).sum(), rtol=1e-4)


def test_the_sum_of_kls_is_the_mean_log_ratio_and_probabilities_sum_to_one():
  model = ladder_vae.model(DATA, latent=(2,), width=6)
  params, batch = shaken(model), {"image": IMAGES}
  keys = jax.random.split(jax.random.key(2), 3000)
  closed = jax.jit(jax.vmap(lambda key: -model.loss(params, {}, batch, key, False)[0]))(keys)
  ratio = jax.jit(jax.vmap(lambda key: model.log_prob(params, {}, batch, key, k=1)))(keys)
  error = np.sqrt((closed.var(0) + ratio.var(0)) / len(keys))
  assert (np.abs(closed.mean(0) - ratio.mean(0)) < 4 * error).all() and error.max() < 0.1
  p = np.exp(jax.jit(lambda key: model.log_prob(params, {}, batch, key, k=5000))(jax.random.key(3)))
  assert p.sum() == pytest.approx(1, abs=0.03) and (np.log(p) > closed.mean(0)).all()


def test_frequencies_of_samples_are_the_probabilities():
  model = ladder_vae.model(DATA, latent=(2,), width=6)
  params, n = shaken(model), 40_000
  log_prob = jax.jit(lambda key: model.log_prob(params, {}, {"image": IMAGES}, key, k=5000))
  p = np.exp(log_prob(jax.random.key(3)))
  x = jax.jit(lambda key: model.sample(params, {}, key, n))(jax.random.key(4))["image"]
  frequency = np.bincount(np.asarray(x).reshape(n, 4) @ [8, 4, 2, 1], minlength=16) / n
  assert p.max() > 2 * p.min()
  assert (np.abs(frequency - p) < 4.5 * np.sqrt(p / n) + 0.05 * p).all()


def test_free_bits_are_of_each_channel_of_a_batch():
  kls = [np.array([[0.1, 2.0], [0.5, 4.0]], np.float32), np.array([[1.0], [0.0]], np.float32)]
  # Means over the batch: 0.3, 3 and 0.5.
  np.testing.assert_allclose(ladder_vae.free_bits_kl(kls, 0.4), 0.4 + 3 + 0.5, rtol=1e-6)
  mean, logvar = np.random.default_rng(0).normal(size=(2, 5, 3, 4, 2)).astype(np.float32)
  other, log_other = np.random.default_rng(1).normal(size=(2, 5, 3, 4, 2)).astype(np.float32)
  ratio = np.exp(logvar - log_other)
  kl = (ratio + (mean - other) ** 2 / np.exp(log_other) - 1 - np.log(ratio)) / 2
  found = ladder_vae.kl_by_channel((mean, logvar), (other, log_other))
  np.testing.assert_allclose(found, kl.sum((1, 2)), rtol=1e-4)


def test_the_loss_has_its_form():
  """With beta, and in training alone with free bits."""
  model = ladder_vae.model(DATA, latent=(2,), width=6, free_bits=50.0)
  params, batch, key = shaken(model), {"image": IMAGES}, jax.random.key(2)
  loss = jax.jit(
    lambda train: model.loss(params, {}, batch, key, train, beta=0.3), static_argnames="train"
  )
  trained, (_, metrics) = loss(train=True)
  np.testing.assert_allclose(trained, metrics["reconstruction"] + 0.3 * 2 * 50, rtol=1e-5)
  evaluated, (_, metrics) = loss(train=False)
  np.testing.assert_allclose(evaluated, metrics["reconstruction"] + 0.3 * metrics["kl"], rtol=1e-5)


@pytest.mark.slow
def test_two_hierarchy_levels_of_an_image_of_odd_size():
  """Every latent changes the image; free bits bound the KL in training alone."""
  data = {"image": Field((7, 5, 3), np.uint8, 17)}
  batch = {"image": np.random.default_rng(0).integers(17, size=(6, 7, 5, 3)).astype(np.uint8)}
  plain, free = (
    ladder_vae.model(data, latent=(2, 3), width=8, likelihood="discretized_logistic", free_bits=f)
    for f in (0.0, 1000.0)
  )
  params, _ = plain.init(jax.random.key(0), batch)
  params = jax.tree.map(lambda p: p + 0.2 * jax.random.normal(jax.random.key(1), p.shape), params)
  z = plain.encode(params, {}, batch, jax.random.key(2))
  assert {k: x.shape for k, x in z.items()} == {"z1": (6, 4, 3, 2), "z2": (6, 2, 2, 3)}
  assert {k: (6, *field.shape) for k, field in plain.latents.items()} == {
    k: x.shape for k, x in z.items()
  }
  x = plain.parts["mean"](params, {}, z)
  for name in z:
    assert jnp.abs(plain.parts["mean"](params, {}, z | {name: z[name] + 1}) - x).max() > 1e-3
  found = [
    m.loss(params, {}, batch, jax.random.key(3), train)
    for m in (plain, free)
    for train in (True, False)
  ]
  losses = [loss for loss, _ in found]
  np.testing.assert_array_equal(losses[0], losses[1])
  np.testing.assert_array_equal(losses[1], losses[3])
  np.testing.assert_allclose(
    losses[2] - found[2][1][1]["reconstruction"], 1000 * (2 + 3), rtol=1e-5
  )


def test_mistakes_raise():
  for data, options in (
    (DATA, {"latent": (2, 2)}),
    ({"x": Field((2,), np.float32)}, {}),
    (DATA, {"likelihood": "x"}),
  ):
    with pytest.raises(UserError):
      ladder_vae.model(data, **options)
