"""The VAE: bounds against exact integrals, likelihoods that sum to one and fit the samples."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.stats import multivariate_normal, norm

from genjax_zoo.core import Field, UserError, descend, unroll
from genjax_zoo.models.latent_variable import vae

D, LATENT = 5, 3


def image_data(shape, num_values):
  return {"image": Field(shape, np.uint8, num_values)}


def linear_gaussian(seed=0, exact=True):
  """A linear VAE with p(x | z) = N(W z + b, s² I), its params, and its marginal N(b, W W' + s² I).

  The columns of W are orthogonal, so that the exact posterior is diagonal; the encoder is the exact
  posterior, or is near it.
  """
  rng = np.random.default_rng(seed)
  W = np.linalg.qr(rng.normal(size=(D, LATENT)))[0] * [0.5, 1.0, 2.0]
  b, s = rng.normal(size=D), 0.7
  variance = 1 / (1 + (W**2).sum(0) / s**2)
  A = W * variance / s**2
  kernel, bias = np.c_[A, np.zeros((D, LATENT))], np.r_[-b @ A, np.log(variance)]
  if not exact:
    kernel = kernel + 0.03 * rng.normal(size=kernel.shape)
    bias = bias + 0.3 * rng.normal(size=bias.shape)
  model = vae.model({"x": Field((D,), np.float32)}, latent=LATENT, hidden=(), likelihood="gaussian")
  params, _ = model.init(jax.random.key(0), {"x": jnp.zeros((1, D))})

  def fill(tree, kernel, bias):
    return jax.tree.map(lambda x: jnp.asarray(kernel if x.ndim == 2 else bias, x.dtype), tree)

  params = {
    "encoder": fill(params["encoder"], kernel, bias),
    "decoder": fill(params["decoder"], W.T, b),
    "log_scale": jnp.full(D, np.log(s), jnp.float32),
  }
  return model, params, multivariate_normal(b, W @ W.T + s**2 * np.eye(D))


def test_with_the_exact_posterior_the_bound_is_the_likelihood():
  model, params, marginal = linear_gaussian()
  x = marginal.rvs(40, random_state=1)
  batch = {"x": jnp.asarray(x, jnp.float32)}
  for k in (1, 7):  # p(x, z) / q(z | x) = p(x) for every z.
    log_prob = jax.jit(functools.partial(model.log_prob, k=k))(params, {}, batch, jax.random.key(0))
    np.testing.assert_allclose(log_prob, marginal.logpdf(x), atol=2e-4)
  elbo = jax.jit(jax.vmap(lambda key: model.log_prob(params, {}, batch, key, estimator="elbo")))
  draws = np.asarray(elbo(jax.random.split(jax.random.key(0), 1000)))
  assert (np.abs(draws.mean(0) - marginal.logpdf(x)) < 5 * draws.std(0) / 1000**0.5).all()


def test_otherwise_the_bound_is_below_and_rises_with_k():
  model, params, marginal = linear_gaussian(exact=False)
  x = marginal.rvs(30, random_state=2)
  batch, exact = {"x": jnp.asarray(x, jnp.float32)}, marginal.logpdf(x)
  gaps = []
  for k in (1, 10, 100, 1000):
    bound = jax.jit(functools.partial(model.log_prob, k=k))
    draws = [bound(params, {}, batch, jax.random.key(seed)) for seed in range(1000 // k)]
    gaps.append((exact - np.mean(draws, 0)).mean())
  assert gaps[0] > 0.1 and (np.diff(gaps) < 0).all() and -0.01 < gaps[-1] < 0.01
  loss, (changes, metrics) = model.loss(params, {}, batch, jax.random.key(0), train=False)
  np.testing.assert_allclose(loss, metrics["reconstruction"] + metrics["kl"], rtol=1e-6)
  warm, _ = model.loss(params, {}, batch, jax.random.key(0), train=True, beta=0.25)
  np.testing.assert_allclose(warm, metrics["reconstruction"] + 0.25 * metrics["kl"], rtol=1e-6)
  assert changes == {}


def test_annealed_importance_sampling_finds_the_exact_marginal():
  model, params, marginal = linear_gaussian(exact=False)
  x = marginal.rvs(30, random_state=2)
  bound = jax.jit(functools.partial(model.log_prob, estimator="ais", k=100))
  found = bound(params, {}, {"x": jnp.asarray(x, jnp.float32)}, jax.random.key(0))
  assert abs(np.mean(found - marginal.logpdf(x))) < 0.05


def test_kl_is_that_of_the_posterior_from_the_prior():
  """Against E_q[log q - log p] by quadrature in each coordinate."""
  model, params, marginal = linear_gaussian(exact=False)
  batch = {"x": marginal.rvs(6, random_state=3).astype(np.float32)}
  mean = np.asarray(model.encode(params, {}, batch, None)["z"])
  bias, kernel = (np.asarray(x)[..., LATENT:] for x in jax.tree.leaves(params["encoder"]))
  logvar = batch["x"] @ kernel + bias
  q = norm(mean[..., None], np.exp(logvar / 2)[..., None])
  z = np.linspace(-15, 15, 20_001)
  kl = (q.pdf(z) * (q.logpdf(z) - norm.logpdf(z))).sum((-2, -1)) * (z[1] - z[0])
  found = model.loss(params, {}, batch, jax.random.key(0), train=False)[1][1]["kl"]
  np.testing.assert_allclose(found, kl, rtol=1e-4)


def test_training_reaches_the_entropy_of_linear_gaussian_data():
  _, _, marginal = linear_gaussian()
  x = jnp.asarray(marginal.rvs(20_000, random_state=4), jnp.float32)
  model = vae.model({"x": Field((D,), np.float32)}, latent=LATENT, hidden=(), likelihood="gaussian")
  learner = descend(model, optax.adam(optax.cosine_decay_schedule(1e-2, 2000)))
  step = lambda ts, i, key: learner.step(ts, {"x": x[i]}, key)
  ts = jax.jit(learner.init)(jax.random.key(0), {"x": x[:1]})
  rows = jax.random.randint(jax.random.key(1), (2000, 200), 0, len(x))
  ts, _ = jax.jit(unroll(step, jax.random.key(2), 2000))(ts, rows)
  elbo = jax.jit(functools.partial(model.log_prob, estimator="elbo"))(
    ts.params, {}, {"x": x}, jax.random.key(3)
  ).mean()
  assert abs(elbo + marginal.entropy()) < 0.05


@pytest.mark.parametrize("likelihood, num_values", [("bernoulli", 2), ("discretized_logistic", 3)])
def test_probabilities_of_all_images_sum_to_one(likelihood, num_values):
  """Exactly given z; and marginally, where they are the frequencies of samples too."""
  images = np.array(list(itertools.product(range(num_values), repeat=4)), np.uint8).reshape(
    -1, 2, 2, 1
  )
  model = vae.model(image_data((2, 2, 1), num_values), latent=2, hidden=(8,), likelihood=likelihood)
  batch, key = {"image": jnp.asarray(images)}, jax.random.key(0)
  params, state = model.init(key, batch)
  params["decoder"] = jax.tree.map(lambda p: p + jax.random.normal(key, p.shape), params["decoder"])
  # Near the prior: weights have light tails.
  params["encoder"] = jax.tree.map(lambda p: 0.1 * p, params["encoder"])
  z = jnp.broadcast_to(jax.random.normal(key, (1, 2)), (len(images), 2))
  prior = norm.logpdf(z[0]).sum()
  log_joint = model.parts["log_joint"](params, state, batch, {"z": z}, key)
  assert np.exp(log_joint - prior).sum() == pytest.approx(1, abs=1e-4)

  p = np.exp(jax.jit(lambda: model.log_prob(params, state, batch, key, k=5000))())
  assert p.sum() == pytest.approx(1, abs=0.02)
  n = 40_000
  drawn = jax.jit(lambda: model.sample(params, state, jax.random.key(1), n))()["image"]
  index = np.asarray(drawn).reshape(n, 4) @ num_values ** np.arange(3, -1, -1)
  frequency = np.bincount(index, minlength=len(images)) / n
  assert (np.abs(frequency - p) < 5 * np.sqrt(p / n) + 0.02 * p + 1e-4).all()


@pytest.mark.parametrize("scale", [0.1, 0.0])
def test_a_gaussian_bounds_the_mass_of_the_cells_of_integers(scale):
  num_values = 5
  model = vae.model(
    image_data((1, 1, 1), num_values), latent=1, hidden=(4,), likelihood="gaussian", scale=scale
  )
  batch = {"image": jnp.arange(num_values, dtype=jnp.uint8).reshape(num_values, 1, 1, 1)}
  params, _ = model.init(jax.random.key(0), batch)
  z = jnp.full((num_values, 1), 0.3)
  given = lambda key: model.parts["log_joint"](params, {}, batch, {"z": z}, key) - norm.logpdf(0.3)
  log_p = np.asarray(jax.jit(jax.vmap(given))(jax.random.split(jax.random.key(1), 50_000)))
  s = scale or float(np.exp(params["log_scale"][0]))
  mean = float(model.parts["mean"](params, {}, {"z": z})[0, 0, 0, 0])
  edges = (np.arange(num_values + 1) - 0.5) / (num_values - 1)
  mass = np.diff(norm(mean, s).cdf(edges))
  np.testing.assert_allclose(np.exp(log_p).mean(0), mass, rtol=0.02, atol=1e-4)
  assert (log_p.mean(0) <= np.log(mass) + 1e-3).all()  # A lower bound.


def test_free_bits_bound_each_dimension_and_only_in_training():
  data, rng = {"x": Field((2,), np.float32)}, np.random.default_rng(0)
  batch, key = {"x": rng.normal(size=(50, 2)).astype(np.float32)}, jax.random.key(1)
  plain, free = (
    vae.model(data, latent=3, hidden=(), likelihood="gaussian", free_bits=f) for f in (0.0, 0.4)
  )
  params, _ = plain.init(jax.random.key(0), batch)
  mean, logvar = jnp.split(batch["x"] @ params["encoder"]["layers_1"]["Dense_0"]["kernel"], 2, -1)
  each = (0.5 * (jnp.exp(logvar) + mean**2 - logvar - 1)).mean(0)
  loss, (_, metrics) = free.loss(params, {}, batch, key, True)
  assert (each < 0.4).any() and (each > 0.4).any()
  np.testing.assert_allclose(
    loss - metrics["reconstruction"], np.maximum(each, 0.4).sum(), rtol=1e-5
  )
  same = [m.loss(params, {}, batch, key, False)[0] for m in (plain, free)]
  np.testing.assert_array_equal(*same)


def test_memory_does_not_grow_with_k():
  model = vae.model(image_data((8, 8, 1), 2), latent=4, hidden=(16,))
  batch = {"image": jnp.zeros((100, 8, 8, 1), jnp.uint8)}
  params, _ = model.init(jax.random.key(0), batch)

  def megabytes(k):
    f = jax.jit(lambda params, batch, key: model.log_prob(params, {}, batch, key, k=k))
    return (
      f.lower(params, batch, jax.random.key(0)).compile().memory_analysis().temp_size_in_bytes
      / 2**20
    )

  # The weights themselves, twice.
  assert megabytes(5000) < megabytes(50) + 2 * 5000 * 100 * 4 / 2**20


@pytest.mark.parametrize(
  "network, hidden, likelihood, num_values",
  [
    ("mlp", (16,), "bernoulli", 2),
    ("mlp", (16,), "gaussian", 256),
    ("conv", (4, 8), "discretized_logistic", 17),
  ],
)
def test_images_come_back_with_their_shape_and_dtype(network, hidden, likelihood, num_values):
  shape = (7, 5, 3)
  model = vae.model(
    image_data(shape, num_values),
    latent=4,
    hidden=hidden,
    network=network,
    likelihood=likelihood,
    dtype="bfloat16",
  )
  batch = {
    "image": jax.random.randint(jax.random.key(0), (6, *shape), 0, num_values).astype(jnp.uint8)
  }
  params, state = jax.jit(model.init)(jax.random.key(1), batch)
  loss, _ = jax.jit(functools.partial(model.loss, train=True))(
    params, state, batch, jax.random.key(2)
  )
  assert loss.shape == (6,) and loss.dtype == jnp.float32 and np.isfinite(loss).all()
  latents = model.encode(params, state, batch, None)
  outs = [model.decode(params, state, latents, None)]
  sample = jax.jit(model.sample, static_argnames=("n", "noise"))
  outs += [sample(params, state, jax.random.key(3), n=6, noise=noise) for noise in (False, True)]
  for out in outs:
    assert out["image"].shape == batch["image"].shape and out["image"].dtype == jnp.uint8
    assert int(out["image"].max()) < num_values
  mean = model.parts["mean"](params, state, latents)
  np.testing.assert_array_equal(outs[0]["image"], np.round(mean * (num_values - 1)))
  cold = sample(params, state, jax.random.key(4), n=6, temperature=0.0, noise=False)["image"]
  np.testing.assert_array_equal(cold, cold[:1].repeat(6, 0))


@pytest.mark.parametrize(
  "data, options, message",
  [
    (image_data((8, 8, 1), 17), {}, "data.binarize"),
    ({"x": Field((2,), np.float32)}, {}, "'gaussian'"),
    ({"x": Field((2,), np.float32)}, {"likelihood": "discretized_logistic"}, "needs integers"),
    ({"x": Field((2,), np.float32)}, {"likelihood": "gaussian", "network": "conv"}, "'mlp'"),
    (image_data((8, 8, 1), 2), {"likelihood": "bernouli"}, "bernoulli"),
    (image_data((8, 8, 1), 2), {"activation": "rleu"}, "'relu'"),
  ],
)
def test_what_does_not_fit_raises(data, options, message):
  with pytest.raises(UserError, match=message):
    vae.model(data, **options)


def test_parts_draw_from_the_posterior_and_sum_to_the_loss():
  model, params, marginal = linear_gaussian(exact=False)
  x = jnp.asarray(marginal.rvs(4, random_state=5), jnp.float32)
  key = jax.random.key(1)
  z, (mean, logvar), terms = model.parts["elbo_terms"](params, {}, {"x": x}, key)
  loss, _ = model.loss(params, {}, {"x": x}, key, train=True)
  np.testing.assert_allclose(terms["reconstruction"] + terms["kl"], loss, rtol=1e-6)
  np.testing.assert_array_equal(model.encode(params, {}, {"x": x}, key)["z"], mean)
  assert z.shape == (4, LATENT) and model.latents["z"].shape == (LATENT,)
  draw = lambda key: model.parts["posterior_sample"](params, {}, {"x": x}, key)["z"]
  draws = jax.vmap(draw)(jax.random.split(key, 20_000))
  np.testing.assert_allclose(draws.mean(0), mean, atol=0.04)
  np.testing.assert_allclose(draws.std(0), jnp.exp(logvar / 2), rtol=0.05)


def test_the_gaussian_prior_has_its_density_samples_and_kl():
  prior = vae.gaussian_prior(2)
  z = prior.sample({}, jax.random.key(0), 50_000, 0.5)
  assert z.shape == (50_000, 2)
  np.testing.assert_allclose(z.std(0), 0.5, rtol=0.02)
  np.testing.assert_allclose(prior.log_prob({}, z), norm.logpdf(z).sum(-1), atol=1e-4)
  # KL(N(0, 1/4) || N(0, 1)) of each of two dimensions.
  kl = prior.kl({}, None, jnp.zeros((1, 2)), jnp.full((1, 2), 2 * np.log(0.5)))
  np.testing.assert_allclose(kl, 2 * 0.5 * (0.25 - 1 + 2 * np.log(2)), rtol=1e-5)


def test_samples_of_a_linear_model_have_its_marginal_distribution():
  model, params, marginal = linear_gaussian()
  n = 40_000
  x = jax.jit(lambda key: model.sample(params, {}, key, n)["x"])(jax.random.key(0))
  np.testing.assert_allclose(x.mean(0), marginal.mean, atol=5 * 2 / n**0.5)
  np.testing.assert_allclose(np.cov(x.T), marginal.cov, atol=0.1)
