"""The mixture of Gaussians: EM equals scikit-learn's, never falls, and ignores padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits
from sklearn.mixture import GaussianMixture

from genjax_zoo.core import Field, UserError, start, unroll
from genjax_zoo.models.latent_variable import gmm

K, D = 3, 4
FLOATS = {"x": Field((D,), np.float32)}
DIGITS = {"image": Field((8, 8, 1), np.uint8, 17)}
COVARIANCES = [("full", "full"), ("diagonal", "diag")]


def clusters(n=300, seed=0):
  rng = np.random.default_rng(seed)
  return (
    rng.normal(size=(n, D)) @ rng.normal(size=(D, D))
    + 3 * rng.normal(size=(K, D))[rng.integers(K, size=n)]
  )


def parameters(full, seed=1):
  """Random parameters, and (weights, means, covariances [K, D, D]) of the same mixture."""
  rng = np.random.default_rng(seed)
  weights, mean = rng.dirichlet(np.ones(K)), rng.normal(size=(K, D)) * 2
  scale = np.tril(rng.normal(size=(K, D, D))) if full else np.exp(rng.normal(size=(K, D)))
  if full:
    scale[:, range(D), range(D)] = np.exp(0.3 * rng.normal(size=(K, D)))
  covariance = (
    scale @ scale.transpose(0, 2, 1) if full else np.stack([np.diag(s**2) for s in scale])
  )
  return {"logits": np.log(weights), "mean": mean, "scale": scale}, (weights, mean, covariance)


def em(learner, params, batch, steps):
  """The state after `steps` EM steps, and the log-likelihood before each."""
  ts = start(jax.tree.map(jnp.asarray, params), {}, ())
  batches = jax.tree.map(lambda x: jnp.broadcast_to(x, (steps, *x.shape)), batch)
  ts, metrics = jax.jit(unroll(learner.step, jax.random.key(0), steps))(ts, batches)
  return ts, metrics["log_likelihood"]


def full_batch(x):
  return {"x": jnp.asarray(x), "weight": jnp.ones(len(x))}


@pytest.mark.parametrize("covariance, kind", COVARIANCES)
@pytest.mark.parametrize("steps", [1, 20])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_em_equals_scikit_learn(covariance, kind, steps):
  x = clusters()
  params, (weights, means, covs) = parameters(covariance == "full")
  precisions = np.linalg.inv(covs)
  if kind == "diag":
    precisions = np.diagonal(precisions, axis1=1, axis2=2)
  reference = GaussianMixture(
    K,
    covariance_type=kind,
    reg_covar=1e-3,
    max_iter=steps,
    tol=0.0,
    weights_init=weights,
    means_init=means,
    precisions_init=precisions,
  ).fit(x)
  learner = gmm.learner(FLOATS, components=K, covariance=covariance, regularization=1e-3)
  with jax.enable_x64(True):
    ts, log_likelihood = em(learner, params, full_batch(x), steps)
    p = jax.device_get(ts.params)
    last = learner.model.log_prob(ts.params, {}, full_batch(x), jax.random.key(0))
  ours = p["scale"] @ p["scale"].transpose(0, 2, 1) if kind == "full" else p["scale"] ** 2
  np.testing.assert_allclose(np.exp(p["logits"]), reference.weights_, atol=1e-8)
  np.testing.assert_allclose(p["mean"], reference.means_, atol=1e-8)
  np.testing.assert_allclose(ours, reference.covariances_, atol=1e-8)
  # Before the last M step.
  np.testing.assert_allclose(log_likelihood[-1], reference.lower_bound_, rtol=1e-10)
  np.testing.assert_allclose(last, reference.score_samples(x), rtol=1e-8)

  _, single = em(learner, jax.tree.map(np.float32, params), full_batch(np.float32(x)), steps)
  assert single.dtype == jnp.float32
  np.testing.assert_allclose(single[-1], reference.lower_bound_, rtol=1e-4)


@pytest.mark.parametrize("covariance, _", COVARIANCES)
def test_the_likelihood_never_falls(covariance, _):
  learner = gmm.learner(FLOATS, components=K, covariance=covariance, regularization=0.0)
  with jax.enable_x64(True):
    batch = full_batch(clusters())
    ts = learner.init(jax.random.key(0), batch)
    _, log_likelihood = em(learner, ts.params, batch, 60)
  rises = np.diff(log_likelihood)
  assert rises.min() > -1e-12 and rises[0] > 1e-3


@pytest.mark.parametrize("covariance, _", COVARIANCES)
def test_padding_of_weight_0_changes_nothing(covariance, _):
  x, rng = clusters(40), np.random.default_rng(2)
  padded = np.concatenate([x[:25], 50 * rng.normal(size=(9, D)), x[25:], np.zeros((14, D))])
  weight = np.r_[np.ones(25), np.zeros(9), np.ones(15), np.zeros(14)]
  learner = gmm.learner(FLOATS, components=K, covariance=covariance, regularization=1e-3)
  with jax.enable_x64(True):
    params, _ = parameters(covariance == "full")
    a, _ = em(learner, params, full_batch(x), 5)
    b, _ = em(learner, params, {"x": jnp.asarray(padded), "weight": jnp.asarray(weight)}, 5)
    jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9), a.params, b.params
    )

    # Nor does padding, far off as it is, seed a component, which would be left without a share.
    for seed in range(5):
      p = learner.init(
        jax.random.key(seed), {"x": jnp.asarray(padded), "weight": jnp.asarray(weight)}
      ).params
      assert jnp.exp(p["logits"]).min() > 0.9 / len(x)
      np.testing.assert_allclose(jnp.exp(p["logits"]) @ p["mean"], x.mean(0), atol=1e-9)


def test_seeds_are_far_apart():
  """Three tight clusters, very unequal: k-means++ finds each of them, whatever the key."""
  rng = np.random.default_rng(3)
  centres = np.array([[0.0, 0, 0, 0], [40, 0, 0, 0], [0, 40, 0, 0]])
  x = np.float32(
    centres[np.r_[np.zeros(200, int), [1, 1, 2, 2, 2]]] + 0.1 * rng.normal(size=(205, D))
  )
  init = jax.jit(gmm.learner(FLOATS, components=K).init)
  for seed in range(10):
    found = init(jax.random.key(seed), full_batch(x)).params["mean"]
    distance = np.abs(np.asarray(found)[:, None] - centres[None]).max(-1)
    assert sorted(distance.argmin(1)) == [0, 1, 2] and distance.min(1).max() < 0.5


@pytest.mark.parametrize("covariance, _", COVARIANCES)
def test_density_responsibilities_and_samples(covariance, _):
  params, (weights, means, covs) = parameters(covariance == "full")
  model = gmm.learner(FLOATS, components=K, covariance=covariance).model
  x = np.random.default_rng(4).normal(size=(50, D)) * 3
  joint = np.stack(
    [np.log(w) + multivariate_normal(m, c).logpdf(x) for w, m, c in zip(weights, means, covs)], 1
  )
  batch = full_batch(np.float32(x))
  np.testing.assert_allclose(
    model.log_prob(params, {}, batch, None), logsumexp(joint, 1), rtol=1e-5
  )
  np.testing.assert_allclose(model.parts["log_component"](params, {}, batch), joint, rtol=1e-5)
  z = model.encode(params, {}, batch, None)
  np.testing.assert_allclose(z["z"], softmax(joint, 1), atol=1e-4)
  np.testing.assert_allclose(model.decode(params, {}, z, None)["x"], z["z"] @ means, atol=1e-4)

  n = 40_000
  params = jax.tree.map(np.float32, params)
  drawn = np.asarray(jax.jit(model.sample, static_argnums=3)(params, {}, jax.random.key(0), n)["x"])
  mean = weights @ means
  covariance = np.einsum(
    "k,kij->ij", weights, covs + np.einsum("ki,kj->kij", means, means)
  ) - np.outer(mean, mean)
  spread = np.sqrt(np.diag(covariance))
  assert (np.abs(drawn.mean(0) - mean) < 5 * spread / n**0.5).all()
  assert np.abs(np.cov(drawn.T) - covariance).max() < 0.05 * spread.max() ** 2


def test_raw_digits_in_single_precision():
  """64 pixels, some always 0, 17 gray levels, float32: the likelihood rises, and stays finite."""
  image = load_digits().images[..., None].astype(np.uint8)
  batch = {"image": jnp.asarray(image), "weight": jnp.ones(len(image))}
  learner = gmm.learner(DIGITS, components=5, regularization=1e-3)
  ts = jax.jit(learner.init)(jax.random.key(0), batch)
  ts, log_likelihood = em(learner, ts.params, batch, 15)
  assert np.isfinite(jax.flatten_util.ravel_pytree(ts.params)[0]).all()
  assert log_likelihood[-1] > log_likelihood[0] + 1
  log_prob = learner.model.log_prob(ts.params, {}, batch, jax.random.key(1)).mean()
  # The dequantization noise, which the fit did not have, costs something.
  assert -64 * np.log(17) < log_prob < log_likelihood[-1]
  drawn = learner.model.sample(ts.params, {}, jax.random.key(2), 9)["image"]
  assert drawn.shape == (9, 8, 8, 1) and drawn.dtype == np.uint8 and drawn.max() <= 16


def test_probabilities_of_integers_sum_to_one_or_less():
  """E over u of the bound's exponential is the mass of a cell, and cells tile [0, 1]."""
  data = {"image": Field((1, 1, 1), np.uint8, 5)}
  learner = gmm.learner(data, components=2)
  params = {
    "logits": np.log([0.3, 0.7]),
    "mean": np.array([[0.3], [0.6]]),
    "scale": np.array([[[0.05]], [[0.08]]]),
  }
  batch = {"image": jnp.arange(5, dtype=jnp.uint8).reshape(5, 1, 1, 1)}
  draw = jax.vmap(lambda key: learner.model.log_prob(params, {}, batch, key))
  log_prob = draw(jax.random.split(jax.random.key(0), 20_000))
  assert abs(np.exp(log_prob).mean(0).sum() - 1) < 0.02
  assert np.exp(log_prob.mean(0)).sum() < 1
  assert learner.model.likelihood == {"dequantized": "lower_bound"}


def test_an_unknown_covariance_is_named():
  with pytest.raises(UserError, match="spherical"):
    gmm.learner(FLOATS, covariance="spherical")
