"""The KL autoencoder: its loss in closed form, and the grid of its latents."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.latent_variable import kl_autoencoder

KEY = jax.random.key(0)
FIELDS = {"image": Field((4, 4, 1), np.uint8, 17)}
MEAN, LOGVAR, BETA = 0.5, -1.0, 0.01


@pytest.fixture(scope="module")
def model():
  return kl_autoencoder.model(FIELDS, widths=(8,), blocks=0, channels=2, beta=BETA)


@pytest.fixture(scope="module")
def batch():
  image = np.random.default_rng(0).integers(0, 17, (5, 4, 4, 1)).astype(np.uint8)
  return {"image": image}


@pytest.fixture(scope="module")
def stage(model, batch):
  """(params, state) in which q(z | x) = N(MEAN, exp(LOGVAR)) in every place, for every x."""
  params, state = jax.jit(model.init)(KEY, batch)
  (last,) = [k for k, x in params["encoder"].items() if x["bias"].shape == (4,)]
  constant = {"kernel": 0 * params["encoder"][last]["kernel"]}
  constant["bias"] = jnp.array([MEAN, MEAN, LOGVAR, LOGVAR])
  return params | {"encoder": params["encoder"] | {last: constant}}, state


def test_latents_are_a_grid_of_means_which_is_decoded(model, batch, stage):
  z = model.encode(*stage, batch, KEY)
  assert z["z"].shape == (5, *model.latents["z"].shape) == (5, 2, 2, 2)
  np.testing.assert_allclose(z["z"], MEAN, atol=1e-6)
  mean = model.parts["mean"](*stage, z)
  image = model.decode(*stage, z, KEY)["image"]
  assert image.dtype == np.uint8
  np.testing.assert_array_equal(image, np.round(16 * mean))
  assert model.sample is None


def test_the_loss_is_the_error_of_a_sample_and_a_kl(model, batch, stage):
  """The error is over the variance of the first batch; the KL, in closed form, of all latents."""
  loss, (changes, metrics) = model.loss(*stage, batch, KEY, train=True)
  kl = 8 * 0.5 * (np.exp(LOGVAR) + MEAN**2 - LOGVAR - 1)
  np.testing.assert_allclose(metrics["kl"], kl, rtol=1e-5)
  k_z, _ = jax.random.split(KEY)
  z = MEAN + np.exp(LOGVAR / 2) * jax.random.normal(k_z, (5, 2, 2, 2))
  v = batch["image"] / 16
  error = (v - model.parts["mean"](*stage, {"z": z})) ** 2
  np.testing.assert_allclose(loss, error.mean((1, 2, 3)) / v.var() + BETA * kl, rtol=1e-4)
  assert changes == {}


def test_an_image_that_can_not_be_halved_so_often_is_refused():
  with pytest.raises(UserError, match=r"model\.widths"):
    kl_autoencoder.model(FIELDS, widths=(8, 8, 8))
