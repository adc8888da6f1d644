"""A VAE of frames is that of vae.py for each frame of a video."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.latent_variable import frame_vae, vae

KEY = jax.random.key(0)
FRAME = Field((4, 4, 1), np.uint8, 17)


def test_each_frame_is_encoded_and_decoded_on_its_own():
  field = FRAME._replace(shape=(3, *FRAME.shape), kind="video")
  model = frame_vae.model({"video": field}, latent=2, hidden=(8,), scale=0.1)
  of_frames = vae.model({"image": FRAME}, latent=2, hidden=(8,), likelihood="gaussian", scale=0.1)
  video = jax.random.randint(KEY, (5, 3, 4, 4, 1), 0, 17).astype(jnp.uint8)
  batch, frames = {"video": video}, {"image": video.reshape(15, 4, 4, 1)}
  params, state = model.init(KEY, batch)
  loss, (_, metrics) = model.loss(params, state, batch, KEY, train=True)
  expected, _ = of_frames.loss(params, state, frames, KEY, train=True)
  np.testing.assert_allclose(loss, expected.reshape(5, 3).mean(1), rtol=1e-5)
  np.testing.assert_allclose(loss, metrics["reconstruction"] + metrics["kl"], rtol=1e-5)
  z = model.encode(params, state, batch, KEY)
  assert z["z"].shape == (5, *model.latents["z"].shape) == (5, 3, 2)
  flat = of_frames.encode(params, state, frames, KEY)
  np.testing.assert_array_equal(z["z"].reshape(15, 2), flat["z"])
  decoded = of_frames.decode(params, state, flat, KEY)["image"]
  found = model.decode(params, state, z, KEY)["video"]
  np.testing.assert_array_equal(found, decoded.reshape(video.shape))
  mean = model.parts["mean"](params, state, z)
  np.testing.assert_array_equal(np.round(16 * mean), found)


def test_images_are_refused():
  with pytest.raises(UserError, match="frame_vae is of 'video'"):
    frame_vae.model({"image": FRAME})
