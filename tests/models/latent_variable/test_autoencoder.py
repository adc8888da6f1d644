"""An autoencoder's measures in closed form, and what it can't be asked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.latent_variable import autoencoder
from genjax_zoo.prob.corruptions import CORRUPTIONS

DATA = {"image": Field((4, 4, 1), np.uint8, 17)}
BATCH = {"image": np.random.default_rng(0).integers(0, 17, (8, 4, 4, 1)).astype(np.uint8)}


def test_loss_and_psnr_of_a_decoder_that_says_one_half():
  model = autoencoder.model(DATA, latent=2, hidden=(3,), corruption="mask")
  params, state = model.init(jax.random.key(0), BATCH)
  loss, (_, metrics) = model.loss(
    jax.tree.map(jnp.zeros_like, params), state, BATCH, jax.random.key(1), train=False
  )
  views = model.parts["views"](params, state, BATCH, jax.random.key(1))
  v, missing = (
    BATCH["image"] / 16,
    CORRUPTIONS["mask"](jax.random.key(1), jnp.ones((8, 4, 4, 1)), 0.5)[0] == 0,
  )
  psnr = lambda error: -10 * np.log10((error**2).reshape(8, -1).mean(-1))
  np.testing.assert_allclose(loss, ((v - 0.5) ** 2).reshape(8, -1).sum(-1), rtol=1e-5)
  np.testing.assert_allclose(metrics["psnr"], psnr(np.where(missing, v - 0.5, 0)), rtol=1e-5)
  np.testing.assert_allclose(metrics["psnr_baseline"], psnr(v - views["baseline"]), rtol=1e-4)


def test_the_encoder_sees_the_corrupted_image_in_training_and_the_clean_one_otherwise():
  model = autoencoder.model(DATA, latent=2, hidden=(3,), corruption="gaussian", amount=5.0)
  params, state = model.init(jax.random.key(0), BATCH)
  restored = [
    model.parts["views"](params, state, BATCH, jax.random.key(k))["restored"] for k in (1, 2)
  ]
  assert not np.allclose(*restored)
  z = [model.encode(params, state, BATCH, jax.random.key(k))["z"] for k in (1, 2)]
  np.testing.assert_array_equal(*z)


@pytest.mark.parametrize("corruption", ["mask", "square", "gray", "downsample"])
def test_what_is_known_of_the_image_stays(corruption):
  data = {"image": Field((4, 4, 3), np.uint8, 256)}
  batch = {"image": np.random.default_rng(0).integers(0, 256, (8, 4, 4, 3)).astype(np.uint8)}
  amount, key = 2.0 if corruption == "downsample" else 0.5, jax.random.key(1)
  model = autoencoder.model(data, latent=2, hidden=(3,), corruption=corruption, amount=amount)
  seen = model.parts["views"](*model.init(jax.random.key(0), batch), batch, key)
  again = CORRUPTIONS[corruption](key, seen["restored"], amount)[0]
  np.testing.assert_allclose(again, seen["corrupted"], atol=1e-6)
  assert not np.allclose(seen["restored"], seen["corrupted"], atol=1e-2)


@pytest.mark.parametrize(
  ("options", "says"),
  [
    (dict(corruption="masks"), "'mask'"),
    (dict(corruption="downsample", amount=3.0), "by 2"),
    (dict(corruption="gray"), "no colour"),
  ],
)
def test_what_cannot_work_is_told(options, says):
  with pytest.raises(UserError, match=says):
    autoencoder.model(DATA, **options)
