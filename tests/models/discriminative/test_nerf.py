"""NeRF: pixels beside their own rays, views in the right places, and a scene that is fitted."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, UserError, descend
from genjax_zoo.models.discriminative import nerf
from genjax_zoo.prob import cameras

KEY = jax.random.key(0)
DATA = {"image": Field((6, 6, 3), np.uint8, 256), "camera": Field((2,), np.float32)}
ANGLES = jnp.array([[0.3, 0.4], [2.0, 0.7], [4.0, 0.2], [5.5, 0.9]])
SIZE = dict(field="voxels", grid=8, coarse=8, fine=8, rays=20)


def beacon(angles):
  """Views [B, 6, 6, 3] in [0, 1]: red where rays pass (0.5, 0, 0.3) nearby, else white."""
  origins, directions = cameras.rays(*angles.T, 6)
  between = jnp.array([0.5, 0.0, 0.3])[None] - origins
  between = between[:, None, None]
  along = (between * directions).sum(-1, keepdims=True)
  apart = jnp.linalg.norm(between - along * directions, axis=-1, keepdims=True)
  red = jnp.broadcast_to(jnp.array([1.0, 0.0, 0.0]), directions.shape)
  return jnp.where(apart < 0.4, red, 1.0)


def test_pixels_come_with_their_own_rays():
  images = jax.random.uniform(KEY, (4, 6, 6, 3))
  colours, directions = nerf.pixels(KEY, images, 2 * images, 50)
  assert colours.shape == (4, 50, 3)
  np.testing.assert_allclose(directions, 2 * colours)
  for image, drawn in zip(images, colours):
    same = (image.reshape(1, 36, 3) == drawn[:, None]).all(-1)
    assert same.any(1).all() and same.any(0).sum() > 18


@pytest.fixture(scope="module")
def fitted():
  """A model of the beacon, and what it was fitted to."""
  model = nerf.model(DATA, **SIZE)
  learner = descend(model, optax.adam(0.01))
  angles = jax.random.uniform(KEY, (16, 2), minval=jnp.zeros(2), maxval=jnp.array([6.28, 1.0]))
  batch = {"image": (255 * beacon(angles)).astype(np.uint8), "camera": angles}
  ts = jax.jit(learner.init)(KEY, batch)
  many = lambda ts: jax.lax.scan(
    lambda ts, i: (learner.step(ts, batch, jax.random.key(i))[0], None), ts, jnp.arange(100)
  )[0]
  return model, jax.jit(many)(ts).params


def test_a_scene_is_seen_from_cameras_that_it_was_not_fitted_to(fitted):
  model, params = fitted
  images = (255 * beacon(ANGLES)).astype(np.uint8)
  batch = {"image": images, "camera": ANGLES}
  measured = model.evaluate(params, {}, batch, KEY)
  assert measured["psnr"].min() > 15  # A white image has 8 to 12.
  made = model.sample(params, {}, KEY, 4, {"camera": ANGLES})["image"]
  assert made.dtype == np.uint8
  error = ((made / 255.0 - images / 255.0) ** 2).mean((1, 2, 3))
  assert error.max() < 10**-1.5
  np.testing.assert_allclose(measured["psnr"], -10 * jnp.log10(measured["loss"]), rtol=1e-4)


def test_density_and_depth_are_where_the_beacon_is(fitted):
  model, params = fitted
  at = jnp.array([[0.5, 0.0, 0.3], [-0.5, 0.0, -0.3]]) / nerf.EXTENT
  density = model.parts["density"](params, {}, at)
  assert density.shape == (1, 2) and density[0, 0] > 3 * density[0, 1]
  ahead = jnp.array([[0.0, np.arctan(0.6)]])
  straight = model.parts["views"](params, {}, ahead, 5)
  # It is 0.58 before the origin, and its front 0.4 nearer.
  assert 2.8 < straight["depth"][0, 0, 2, 2] < 3.6


def test_a_full_grid_begins_at_the_near_side_of_its_cube(fitted):
  model, params = fitted
  full = params | {"field": {"grid": jnp.full((8, 8, 8, 4), 40.0)}}
  depth = model.parts["views"](full, {}, jnp.zeros((1, 2)), 5)["depth"][0, 0, 2, 2]
  assert 0 <= depth - (cameras.DISTANCE - nerf.EXTENT) < 0.1


def test_the_loss_is_the_mean_squared_error_of_pixels():
  """Of a scene of one colour it is the same for all pixels."""
  model = nerf.model(DATA, **SIZE)
  batch = {"image": jnp.full((4, 6, 6, 3), 51, jnp.uint8), "camera": ANGLES}
  params, _ = jax.jit(model.init)(KEY, batch)
  grid = jnp.zeros((8, 8, 8, 4)).at[..., 0].set(40.0).at[..., 1:].set(jnp.log(1.5) / 20)
  params["field"]["grid"] = grid  # Opaque, of the colour 0.6.
  params["surroundings"]["MLP_0"]["Dense_2"]["kernel"] *= 0
  params["surroundings"]["MLP_0"]["Dense_2"]["bias"] += jnp.log(1.5)
  loss, _ = jax.jit(lambda: model.loss(params, {}, batch, KEY, train=True))()
  np.testing.assert_allclose(loss, 0.4**2, rtol=1e-3)


def test_other_data_and_fields_are_refused():
  with pytest.raises(UserError, match="with a 'camera'"):
    nerf.model({"image": DATA["image"]})
  with pytest.raises(UserError, match="square images"):
    nerf.model(DATA | {"image": Field((4, 6, 3), np.uint8, 256)})
  with pytest.raises(UserError, match="there are mlp, voxels"):
    nerf.model(DATA, field="hash")
