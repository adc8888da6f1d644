"""The VAE of clouds: its loss term by term, what its latents are, and that it knows no order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.latent_variable import point_vae
from genjax_zoo.prob.clouds import chamfer

KEY = jax.random.key(0)
DATA = {"points": Field((12, 3), np.float32, ordered=False, kind="points")}
BATCH = {"points": jax.random.normal(jax.random.key(3), (4, 12, 3))}
SIZE = dict(latent=2, widths=(8,), width=8)


def perturbed(params):
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(jax.random.key(7), len(leaves))
  moved = [x + 0.3 * jax.random.normal(k, x.shape) for x, k in zip(leaves, keys)]
  return jax.tree.unflatten(tree, moved)


@pytest.fixture(scope="module")
def trained():
  model = point_vae.model(DATA, **SIZE)
  params, state = jax.jit(model.init)(KEY, BATCH)
  return model, perturbed(params), state


def test_at_first_latent_points_are_the_points_and_their_noise_costs_what_it_should():
  model = point_vae.model(DATA, features=2, **SIZE)
  params, state = jax.jit(model.init)(KEY, BATCH)
  x = BATCH["points"]
  h = model.encode(params, state, BATCH, KEY)["h"]
  np.testing.assert_array_equal(h, jnp.pad(x, ((0, 0), (0, 0), (0, 2))))
  _, (_, metrics) = jax.jit(lambda key: model.loss(params, state, BATCH, key, train=True))(KEY)
  s = np.exp(-2.0)
  wanted = 0.5 * (s**2 - 1 - 2 * np.log(s)) + 0.5 * (np.asarray(x) ** 2).sum((1, 2)) / (12 * 5)
  np.testing.assert_allclose(metrics["kl_points"], wanted, rtol=1e-5)
  # The mean squared error of N(0, s^2): 144 numbers, so to within 4 standard errors.
  np.testing.assert_allclose(metrics["error"].mean(), s**2, rtol=4 * np.sqrt(2 / 144))


def test_the_loss_is_the_weighted_sum_of_its_terms(trained):
  _, params, state = trained
  model = point_vae.model(DATA, beta=0.5, beta_points=2.0, **SIZE)
  total, (_, m) = jax.jit(lambda key: model.loss(params, state, BATCH, key, train=True))(KEY)
  wanted = m["chamfer"] + m["error"] + 0.5 * m["kl"] + 2 * m["kl_points"]
  np.testing.assert_allclose(total, wanted, rtol=1e-5)
  assert all((x > 0).all() for x in m.values())


def test_permuting_points_permutes_their_latents_and_leaves_the_shape(trained):
  model, params, state = trained
  order = jnp.array([3, 0, 1, 2, *range(11, 3, -1)])
  latents = model.encode(params, state, BATCH, KEY)
  turned = model.encode(params, state, {"points": BATCH["points"][:, order]}, KEY)
  np.testing.assert_allclose(turned["z"], latents["z"], rtol=1e-5, atol=1e-6)
  np.testing.assert_allclose(turned["h"], latents["h"][:, order], rtol=1e-4, atol=1e-5)
  decoded = model.decode(params, state, latents, KEY)["points"]
  again = model.decode(params, state, turned, KEY)["points"]
  np.testing.assert_allclose(again, decoded[:, order], rtol=1e-4, atol=1e-5)


def test_without_latent_points_the_shape_latent_alone_is_decoded(trained):
  model, params, state = trained
  latents = model.encode(params, state, BATCH, KEY)
  alone = model.decode(params, state, {"z": latents["z"]}, KEY)["points"]
  moved = model.decode(params, state, latents, KEY)["points"]
  assert alone.shape == moved.shape == (4, 12, 3) and (np.abs(alone - moved) > 1e-3).any()
  # Samples are clouds by shape latents of the prior.
  z = jax.random.normal(KEY, (3, 2))
  np.testing.assert_allclose(
    model.sample(params, state, KEY, 3)["points"],
    model.decode(params, state, {"z": z}, KEY)["points"],
    rtol=1e-6,
  )


def test_the_chamfer_distance_is_of_the_shape_s_own_cloud(trained):
  """With a posterior without noise it can be computed from outside."""
  model, params, state = trained
  sure = params["encoder"]["MLP_0"]["Dense_1"]
  bias = sure["bias"].at[2:].set(-1e3)  # log s, clipped at -6.
  params = params | {"encoder": params["encoder"] | {}}
  params["encoder"]["MLP_0"] = params["encoder"]["MLP_0"] | {"Dense_1": sure | {"bias": bias}}
  latents = model.encode(params, state, BATCH, KEY)
  cloud = model.decode(params, state, {"z": latents["z"]}, KEY)["points"]
  _, (_, metrics) = model.loss(params, state, BATCH, KEY, train=True)
  np.testing.assert_allclose(metrics["chamfer"], chamfer(cloud, BATCH["points"]), rtol=0.05)


def test_data_without_clouds_are_refused():
  with pytest.raises(UserError, match="the model is of 'points'"):
    point_vae.model({"x": Field((2,), np.float32)})
