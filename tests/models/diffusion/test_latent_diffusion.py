"""Diffusion in latents that are scaled to unit variance, and scaled back in samples."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.models.diffusion import latent_diffusion

DATA = {"x": Field((3,), np.float32)}
KEY, N, SD = jax.random.key(0), 20_000, 0.1
FIRST = Model(
  None,
  encode=lambda params, state, batch, key: {"z": 20 * batch["x"]},
  decode=lambda params, state, latents, key: {"x": latents["z"] / 20},
  latents={"z": Field((3,), np.float32)},
)


def test_the_prior_is_of_latents_of_unit_variance():
  """A network of zeros predicts v = 0, which is right for N(0, I): there |v|² / D is 1."""
  model = latent_diffusion.model(DATA, first=FIRST, T=20, network={"name": "mlp", "hidden": (8,)})
  x = SD * jax.random.normal(KEY, (N, 3))
  weights = jax.jit(model.init)(KEY, {"x": x}, {"first": ({}, {})})
  loss, _ = jax.jit(lambda: model.loss(*weights, {"x": x}, KEY, train=False))()
  np.testing.assert_allclose(loss.mean(), 1, rtol=0.03)
  samples = jax.jit(lambda: model.sample(*weights, KEY, N, steps=10)["x"])()
  np.testing.assert_allclose(jnp.std(samples), SD, rtol=0.03)
  np.testing.assert_allclose(weights[1]["scale"], 1 / (20 * SD), rtol=0.03)
