"""An autoencoder's measures in closed form, and what it can't be asked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models import autoencoder

DATA = {"image": Field((4, 4, 1), np.uint8, 17)}
BATCH = {"image": np.random.default_rng(0).integers(0, 17, (8, 4, 4, 1)).astype(np.uint8)}


def test_loss_and_psnr_of_a_decoder_that_says_one_half():
  model = autoencoder.model(DATA, latent=2, hidden=(3,), corruption="mask")
  params, state = model.init(jax.random.key(0), BATCH)
  loss, (_, metrics) = model.loss(jax.tree.map(jnp.zeros_like, params), state, BATCH, jax.random.key(1), train=False)
  error = ((BATCH["image"] / 16 - 0.5) ** 2).reshape(8, -1)
  np.testing.assert_allclose(loss, error.sum(-1), rtol=1e-5)
  np.testing.assert_allclose(metrics["psnr"], -10 * np.log10(error.mean(-1)), rtol=1e-5)
  views = model.parts["views"](params, state, BATCH, jax.random.key(1))
  baseline = ((BATCH["image"] / 16 - views["baseline"]) ** 2).reshape(8, -1).mean(-1)
  np.testing.assert_allclose(metrics["psnr_baseline"], -10 * np.log10(baseline), rtol=1e-4)


def test_the_encoder_sees_the_corrupted_image_in_training_and_the_clean_one_otherwise():
  model = autoencoder.model(DATA, latent=2, hidden=(3,), corruption="gaussian", amount=5.0)
  params, state = model.init(jax.random.key(0), BATCH)
  restored = [model.parts["views"](params, state, BATCH, jax.random.key(k))["restored"] for k in (1, 2)]
  assert not np.allclose(*restored)
  z = [model.encode(params, state, BATCH, jax.random.key(k))["z"] for k in (1, 2)]
  np.testing.assert_array_equal(*z)


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
