"""The VampPrior: a density that is sampled and scored."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from genjax_zoo.core import Field
from genjax_zoo.models.latent_variable import vae, vamp_vae

DATA = {"x": Field((2,), np.float32)}
X = {"x": np.random.default_rng(0).normal(size=(1, 2)).astype(np.float32)}


def made():
  """A model of three pseudo-inputs far apart, and its parameters."""
  model = vamp_vae.model(DATA, latent=1, hidden=(8,), likelihood="gaussian", components=3)
  params, _ = model.init(jax.random.key(0), X)
  return model, params | {"inputs": 3 * params["inputs"]}


def test_bounds_are_below_the_integral_over_z():
  model, params = made()
  z = jnp.linspace(-12, 12, 4001)[:, None]
  x = {"x": jnp.broadcast_to(X["x"], (4001, 2))}
  joint = np.exp(model.parts["log_joint"](params, {}, x, {"z": z}, None))
  exact = np.log(joint.sum() * 24 / 4000)
  iwae = model.log_prob(params, {}, X, jax.random.key(1), k=20_000)
  ais = model.log_prob(params, {}, X, jax.random.key(1), estimator="ais")
  assert exact == pytest.approx(float(iwae[0]), abs=0.02)
  assert exact == pytest.approx(float(ais[0]), abs=0.3)
  loss = jax.vmap(lambda key: model.loss(params, {}, X, key, True)[0][0])
  assert loss(jax.random.split(jax.random.key(2), 500)).mean() > -exact


def test_samples_without_noise_are_the_decoded_means_of_components():
  model, params = made()
  means = model.encode(params, {}, {"x": params["inputs"]}, None)
  centres = model.decode(params, {}, means, None)["x"]
  cold = model.sample(params, {}, jax.random.key(3), 20, temperature=0.0, noise=False)["x"]
  assert np.abs(np.asarray(cold)[:, None] - centres[None]).max(-1).min(1).max() < 1e-5


def test_the_prior_is_the_mixture_of_the_posteriors_that_it_samples_from():
  parts = vae.gaussian_vae(DATA, 1, (8,), "mlp", "gaussian", 0.0, "relu", "float32")
  prior = vamp_vae.vamp_prior(parts)
  _, params = made()
  mean, logvar = (np.asarray(x)[:, 0] for x in parts.encoder(params, params["inputs"], {}))
  z = np.linspace(-3, 3, 50)[:, None]
  expected = np.log(norm.pdf(z, mean, np.exp(logvar / 2)).mean(1))
  np.testing.assert_allclose(prior.log_prob(params, z), expected, rtol=1e-4, atol=1e-5)

  n = 40_000
  draws = np.asarray(prior.sample(params, jax.random.key(0), n, 1.0))[:, 0]
  below = norm.cdf(z, mean, np.exp(logvar / 2)).mean(1)
  error = np.sqrt(below * (1 - below) / n) + 1e-4
  assert (np.abs((draws[None] < z).mean(1) - below) < 4.5 * error).all()

  q_mean, q_logvar = np.full((50, 1), 0.3), np.full((50, 1), -0.5)
  log_q = norm.logpdf(z, 0.3, np.exp(-0.25))[:, 0]
  np.testing.assert_allclose(
    prior.kl(params, z, q_mean, q_logvar), log_q - expected, rtol=1e-4, atol=1e-5
  )
