"""Prediction: given frames stay, and errors are those of the frames that were made."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.diffusion import video_prediction

KEY = jax.random.key(0)
VIDEO = {"video": Field((4, 2, 2, 1), np.uint8, 17, kind="video")}


def constant(params, state, key, n, given={}, value=7):
  """Where it is not known, a video has one value."""
  return {"video": jnp.where(given["known"], given["video"], value).astype(jnp.uint8)}


def test_given_frames_stay_and_errors_are_of_the_others():
  first = Model(None, sample=constant)
  model = video_prediction.model(VIDEO, first=first, frames=2)
  state = {"frozen": {"first": ({}, {})}}
  video = jnp.arange(4, dtype=jnp.uint8)[None, :, None, None, None] * jnp.ones((1, 1, 2, 2, 1))
  batch = {"video": video.astype(jnp.uint8)}
  given = model.observe({}, state, batch, KEY)
  assert given["frames"].shape == (1, *model.given["frames"].shape) == (1, 2, 2, 2, 1)
  made = model.sample({}, state, KEY, 1, given)["video"]
  np.testing.assert_array_equal(made[0, :, 0, 0, 0], [0, 1, 7, 7])
  errors = model.evaluate({}, state, batch, KEY)
  np.testing.assert_allclose(errors["prediction_error"], [(5 + 4) / 2])
  np.testing.assert_allclose(errors["copying_error"], [(1 + 2) / 2])


@pytest.mark.parametrize("frames", [0, 4])
def test_some_frames_are_given_and_some_are_left(frames):
  with pytest.raises(UserError, match=f"model.frames={frames}: take 1 to 3, of 4 frames"):
    video_prediction.model(VIDEO, first=Model(None, sample=constant), frames=frames)
