"""An autoencoder's measures in closed form, and the corruptions that it can't have."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.latent_variable import autoencoder
from genjax_zoo.prob.corruptions import CORRUPTIONS

DATA = {"image": Field((4, 4, 1), np.uint8, 17)}
BATCH = {"image": np.random.default_rng(0).integers(0, 17, (8, 4, 4, 1)).astype(np.uint8)}


def test_loss_and_psnr_of_a_decoder_that_outputs_one_half():
  model = autoencoder.model(DATA, latent=2, hidden=(3,), corruption="mask")
  params, state = model.init(jax.random.key(0), BATCH)
  loss, (_, metrics) = model.loss(
    jax.tree.map(jnp.zeros_like, params), state, BATCH, jax.random.key(1), train=False
  )
  images = model.parts["restorations"](params, state, BATCH, jax.random.key(1))
  v = BATCH["image"] / 16
  missing = CORRUPTIONS["mask"](jax.random.key(1), jnp.ones((8, 4, 4, 1)), 0.5)[0] == 0
  psnr = lambda error: -10 * np.log10((error**2).reshape(8, -1).mean(-1))
  np.testing.assert_allclose(loss, ((v - 0.5) ** 2).reshape(8, -1).sum(-1), rtol=1e-5)
  np.testing.assert_allclose(metrics["psnr"], psnr(np.where(missing, v - 0.5, 0)), rtol=1e-5)
  np.testing.assert_allclose(metrics["psnr_baseline"], psnr(v - images["baseline"]), rtol=1e-4)


def test_training_encodes_the_corrupted_image_and_encode_the_clean_one():
  model = autoencoder.model(DATA, latent=2, hidden=(3,), corruption="gaussian", amount=5.0)
  params, state = model.init(jax.random.key(0), BATCH)
  restore = model.parts["restorations"]
  images = [restore(params, state, BATCH, jax.random.key(k)) for k in (1, 2)]
  assert not np.allclose(images[0]["restored"], images[1]["restored"])
  z = [model.encode(params, state, BATCH, jax.random.key(k))["z"] for k in (1, 2)]
  np.testing.assert_array_equal(*z)


@pytest.mark.parametrize("corruption", ["mask", "square", "gray", "downsample"])
def test_what_is_known_of_the_image_stays(corruption):
  data = {"image": Field((4, 4, 3), np.uint8, 256)}
  batch = {"image": np.random.default_rng(0).integers(0, 256, (8, 4, 4, 3)).astype(np.uint8)}
  amount = 2.0 if corruption == "downsample" else 0.5
  key = jax.random.key(1)
  model = autoencoder.model(data, latent=2, hidden=(3,), corruption=corruption, amount=amount)
  images = model.parts["restorations"](*model.init(jax.random.key(0), batch), batch, key)
  again = CORRUPTIONS[corruption](key, images["restored"], amount)[0]
  np.testing.assert_allclose(again, images["corrupted"], atol=1e-6)
  assert not np.allclose(images["restored"], images["corrupted"], atol=1e-2)


def test_psnr_of_a_known_error_and_its_cap():
  v = jnp.zeros((2, 4, 4, 1))
  np.testing.assert_allclose(autoencoder.psnr(v, v + 0.1), 20.0, rtol=1e-5)
  np.testing.assert_allclose(autoencoder.psnr(v, v - 1.0), 100.0)  # Clipped to v.


@pytest.mark.parametrize(
  ("options", "message"),
  [
    (dict(corruption="masks"), "'mask'"),
    (dict(corruption="downsample", amount=3.0), "by 2"),
    (dict(corruption="gray"), "no colour"),
  ],
)
def test_an_impossible_corruption_raises(options, message):
  with pytest.raises(UserError, match=message):
    autoencoder.model(DATA, **options)
