"""Diffusion autoencoders: a linear code of Gaussian data has an exact decoder."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field
from genjax_zoo.models.diffusion import diffusion_autoencoder, edm, latent_diffusion
from tests.models.diffusion.test_sr3 import MEAN, POOL, REAL, ROOT, exact_network, posterior

KEY, N = jax.random.key(0), 2000


class Mean(nn.Module):
  """The mean of the pixels, as a code of one number."""

  widths: tuple[int, ...]
  features: int
  latent: int

  def __call__(self, x):
    return x.mean((1, 2, 3))[:, None]


def exact_decoder(space, network):
  """The network of an EDM of p(x | the mean of x's pixels)."""
  init, apply = exact_network(space, network)
  given_code = lambda params, x, noise, c, key=None: apply(params, x, noise, {"low": c["code"]})
  return init, given_code


@pytest.fixture
def model(monkeypatch):
  monkeypatch.setattr(edm, "network_functions", exact_decoder)
  monkeypatch.setattr(diffusion_autoencoder, "CodeEncoder", Mean)
  return diffusion_autoencoder.model(REAL, latent=1)


@pytest.fixture
def batch():
  x = MEAN + np.random.default_rng(0).normal(size=(N, 4)) @ ROOT.T
  return {"image": x.reshape(N, 2, 2, 1).astype(np.float32)}


def test_with_the_inferred_noise_an_image_comes_back_and_without_it_another_of_the_same_code(
  model, batch
):
  """Two images of one code differ by twice the covariance of p(x | code); errors are in [0, 1]."""
  params = {"encoder": {}}
  measured = jax.jit(model.evaluate)(params, {}, batch, KEY)
  _, cov = posterior(0.0)
  expected = 2 * np.trace(cov) / 4 / 2**2
  np.testing.assert_allclose(measured["mse_without_noise"].mean(), expected, rtol=0.06)
  numerator, denominator = measured["error_ratio"]
  assert numerator.sum() < denominator.sum() / 100  # 20 dB.


def test_samples_have_the_code_of_the_given_image_and_the_noise_is_standard_normal(model, batch):
  params = {"encoder": {}}
  x = batch["image"].reshape(N, 4)
  sampled = jax.jit(lambda: model.sample(params, {}, KEY, N, batch, steps=40)["image"])()
  sampled = np.asarray(sampled).reshape(N, 4)
  np.testing.assert_allclose(sampled @ POOL, x @ POOL, atol=0.02)
  gain, cov = posterior(0.0)
  rest = sampled - MEAN - (x - MEAN) @ POOL[:, None] * gain
  np.testing.assert_allclose(np.cov(rest.T), cov, atol=0.08)
  latents = jax.jit(model.encode)(params, {}, batch, KEY)
  np.testing.assert_allclose(latents["z"][:, 0], x @ POOL, atol=1e-5)
  # Not along the code, in which all that is encoded is known.
  noise = np.asarray(latents["noise"]).reshape(N, 4)
  across = noise - noise @ POOL[:, None] * POOL / (POOL @ POOL)
  np.testing.assert_allclose(np.trace(np.cov(across.T)), 3, rtol=0.06)


FIELDS = {"image": Field((4, 4, 3), np.uint8, 256)}
OPTIONS = dict(latent=6, widths=(4,), features=8, network=dict(name="mlp", hidden=(8,)))


def test_a_code_has_mean_0_and_variance_1():
  encoder = diffusion_autoencoder.CodeEncoder((4,), 8, 6)
  x = jax.random.normal(KEY, (5, 4, 4, 3))
  z, _ = jax.jit(encoder.init_with_output)(KEY, x)
  np.testing.assert_allclose(z.mean(1), 0, atol=1e-5)
  np.testing.assert_allclose(z.var(1), 1, rtol=1e-3)
  assert np.abs(z[0] - z[1]).max() > 0.1


def test_codes_have_a_diffusion_of_their_own():
  """The next stage samples codes, which are decoded with noise that is sampled."""
  first = diffusion_autoencoder.model(FIELDS, **OPTIONS)
  model = latent_diffusion.model(FIELDS, first=first, T=10, network=OPTIONS["network"])
  batch = {"image": np.zeros((5, 4, 4, 3), np.uint8)}

  def samples():
    params, state = model.init(KEY, batch, {"first": first.init(KEY, batch)})
    return model.sample(params, state, KEY, 3, steps=2)

  found = jax.eval_shape(samples)
  assert not model.given and found["image"].shape == (3, 4, 4, 3)
  assert found["image"].dtype == jnp.uint8
