"""The VAE: bounds against exact integrals, likelihoods that sum to one, and samples of the law that
is scored.
"""

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


def image_data(shape, levels):
  return {"image": Field(shape, np.uint8, levels)}


def linear_gaussian(seed=0, exact=True):
  """A linear VAE with p(x | z) = N(W z + b, s² I), its params, and its marginal N(b, W W' + s² I).

  The columns of W are orthogonal, so that the exact posterior is diagonal; the encoder is it, or is
  off.
  """
  rng = np.random.default_rng(seed)
  W = np.linalg.qr(rng.normal(size=(D, LATENT)))[0] * [0.5, 1.0, 2.0]
  b, s = rng.normal(size=D), 0.7
  variance = 1 / (1 + (W**2).sum(0) / s**2)
  A = W * variance / s**2
  kernel, bias = np.c_[A, np.zeros((D, LATENT))], np.r_[-b @ A, np.log(variance)]
  if not exact:
    kernel, bias = (
      kernel + 0.03 * rng.normal(size=kernel.shape),
      bias + 0.3 * rng.normal(size=bias.shape),
    )
  model = vae.model({"x": Field((D,), np.float32)}, latent=LATENT, hidden=(), likelihood="gaussian")
  params, _ = model.init(jax.random.key(0), {"x": jnp.zeros((1, D))})
  fill = lambda tree, kernel, bias: jax.tree.map(
    lambda x: jnp.asarray(kernel if x.ndim == 2 else bias, x.dtype), tree
  )
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


def test_annealing_from_the_prior_finds_the_exact_marginal_too():
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


@pytest.mark.parametrize("likelihood, levels", [("bernoulli", 2), ("discretized_logistic", 3)])
def test_probabilities_of_all_images_sum_to_one(likelihood, levels):
  """Given z exactly; and marginally, by importance sampling, where they are the frequencies of
  samples.
  """
  images = np.array(list(itertools.product(range(levels), repeat=4)), np.uint8).reshape(-1, 2, 2, 1)
  model = vae.model(image_data((2, 2, 1), levels), latent=2, hidden=(8,), likelihood=likelihood)
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
  drawn = jax.jit(lambda: model.sample(params, state, jax.random.key(1), n, noise=True))()["image"]
  index = np.asarray(drawn).reshape(n, 4) @ levels ** np.arange(3, -1, -1)
  frequency = np.bincount(index, minlength=len(images)) / n
  assert (np.abs(frequency - p) < 5 * np.sqrt(p / n) + 0.02 * p + 1e-4).all()


@pytest.mark.parametrize("scale", [0.1, 0.0])
def test_a_gaussian_gives_integers_the_mass_of_their_cells(scale):
  levels = 5
  model = vae.model(
    image_data((1, 1, 1), levels), latent=1, hidden=(4,), likelihood="gaussian", scale=scale
  )
  batch = {"image": jnp.arange(levels, dtype=jnp.uint8).reshape(levels, 1, 1, 1)}
  params, _ = model.init(jax.random.key(0), batch)
  z = jnp.full((levels, 1), 0.3)
  given = lambda key: model.parts["log_joint"](params, {}, batch, {"z": z}, key) - norm.logpdf(0.3)
  log_p = np.asarray(jax.jit(jax.vmap(given))(jax.random.split(jax.random.key(1), 50_000)))
  s = scale or float(np.exp(params["log_scale"][0]))
  mean = float(model.parts["mean"](params, {}, {"z": z})[0, 0, 0, 0])
  edges = (np.arange(levels + 1) - 0.5) / (levels - 1)
  mass = np.diff(norm(mean, s).cdf(edges))
  np.testing.assert_allclose(np.exp(log_p).mean(0), mass, rtol=0.02, atol=1e-4)
  assert (log_p.mean(0) <= np.log(mass) + 1e-3).all()  # A lower bound.


def test_given_each_class_probabilities_sum_to_one():
  images = np.array(list(itertools.product(range(2), repeat=4)), np.uint8).reshape(-1, 2, 2, 1)
  data = image_data((2, 2, 1), 2) | {"label": Field((), np.int32, 3)}
  model = vae.model(data, latent=1, hidden=(4,), conditional=True)
  params, _ = model.init(jax.random.key(0), {"image": images})
  params = jax.tree.map(lambda p: p + 0.5 * jax.random.normal(jax.random.key(1), p.shape), params)
  log_prob = jax.jit(
    lambda label: model.log_prob(
      params, {}, {"image": images, "label": label}, jax.random.key(2), k=3000
    )
  )
  p = [np.exp(log_prob(np.full(16, c))) for c in (0, 2)]
  np.testing.assert_allclose(np.sum(p, 1), 1, atol=0.03)
  assert np.abs(p[0] - p[1]).max() > 0.05 and model.given == ("label",)


def test_a_prior_of_learned_inputs_is_a_density_that_is_drawn_and_scored():
  data = {"x": Field((2,), np.float32)}
  model = vae.model(data, latent=1, hidden=(8,), likelihood="gaussian", components=3)
  batch = {"x": np.random.default_rng(0).normal(size=(1, 2)).astype(np.float32)}
  params, _ = model.init(jax.random.key(0), batch)
  params["inputs"] *= 3
  z = jnp.linspace(-12, 12, 4001)[:, None]
  x = {"x": jnp.broadcast_to(batch["x"], (4001, 2))}
  joint = np.exp(model.parts["log_joint"](params, {}, x, {"z": z}, None))
  exact = np.log(joint.sum() * 24 / 4000)
  assert exact == pytest.approx(
    float(model.log_prob(params, {}, batch, jax.random.key(1), k=20_000)[0]), abs=0.02
  )
  assert exact == pytest.approx(
    float(model.log_prob(params, {}, batch, jax.random.key(1), estimator="ais")[0]), abs=0.3
  )
  loss = jax.vmap(lambda key: model.loss(params, {}, batch, key, True)[0][0])(
    jax.random.split(jax.random.key(2), 500)
  )
  assert loss.mean() > -exact
  centres = model.decode(params, {}, model.encode(params, {}, {"x": params["inputs"]}, None), None)[
    "x"
  ]
  cold = model.sample(params, {}, jax.random.key(3), 20, temperature=0.0)["x"]
  # Each is of some component.
  assert np.abs(np.asarray(cold)[:, None] - centres[None]).max(-1).min(1).max() < 1e-5


def test_free_bits_hold_each_dimension_and_only_in_training():
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


def test_the_total_correlation_weighs_in_training():
  data, batch = (
    {"x": Field((2,), np.float32)},
    {"x": np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)},
  )
  plain, tc = (
    vae.model(data, latent=3, hidden=(8,), likelihood="gaussian", tc=t) for t in (1.0, 5.0)
  )
  params, _ = plain.init(jax.random.key(0), batch)
  losses, metrics = zip(
    *(
      (l, m)
      for l, (_, m) in (
        m.loss(params, {}, batch, jax.random.key(1), True, beta=0.5) for m in (plain, tc)
      )
    )
  )
  np.testing.assert_allclose(
    losses[1] - losses[0], 0.5 * 4 * metrics[1]["total_correlation"], rtol=1e-4, atol=1e-4
  )


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
  "network, hidden, likelihood, levels",
  [
    ("mlp", (16,), "bernoulli", 2),
    ("mlp", (16,), "gaussian", 256),
    ("conv", (4, 8), "discretized_logistic", 17),
  ],
)
def test_any_image_comes_back_in_its_form(network, hidden, likelihood, levels):
  shape = (7, 5, 3)
  model = vae.model(
    image_data(shape, levels),
    latent=4,
    hidden=hidden,
    network=network,
    likelihood=likelihood,
    dtype="bfloat16",
  )
  batch = {"image": jax.random.randint(jax.random.key(0), (6, *shape), 0, levels).astype(jnp.uint8)}
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
    assert int(out["image"].max()) < levels
  mean = model.parts["mean"](params, state, latents)
  np.testing.assert_array_equal(outs[0]["image"], np.round(mean * (levels - 1)))
  cold = sample(params, state, jax.random.key(4), n=6, temperature=0.0)["image"]
  np.testing.assert_array_equal(cold, cold[:1].repeat(6, 0))


@pytest.mark.parametrize(
  "data, options, told",
  [
    (image_data((8, 8, 1), 17), {}, "data.binarize"),
    ({"x": Field((2,), np.float32)}, {}, "'gaussian'"),
    ({"x": Field((2,), np.float32)}, {"likelihood": "discretized_logistic"}, "wants integers"),
    ({"x": Field((2,), np.float32)}, {"likelihood": "gaussian", "network": "conv"}, "'mlp'"),
    (image_data((8, 8, 1), 2), {"likelihood": "bernouli"}, "bernoulli"),
    (image_data((8, 8, 1), 2), {"activation": "rleu"}, "'relu'"),
    (image_data((8, 8, 1), 2), {"conditional": True}, "label"),
    (image_data((8, 8, 1), 2), {"components": 5, "tc": 4.0}, "components=0"),
  ],
)
def test_what_does_not_fit_is_told(data, options, told):
  with pytest.raises(UserError, match=told):
    vae.model(data, **options)
