"""Inpainting by words starts as the model it comes from, and keeps what is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.diffusion import edm, glide_inpainting

FIELDS = {"image": Field((4, 4, 3), np.uint8, 256), "label": Field((), np.int32, 5)}
KEY, N = jax.random.key(0), 4
OPTIONS = dict(network=dict(name="mlp", hidden=(8,)), condition=("label",))
FIRST = edm.model(FIELDS, **OPTIONS)
MODEL = glide_inpainting.model(FIELDS, first=FIRST, **OPTIONS)


@pytest.fixture(scope="module")
def batch():
  rng = np.random.default_rng(0)
  images = rng.integers(0, 256, (N, 4, 4, 3)).astype(np.uint8)
  label = rng.integers(0, 5, N).astype(np.int32)
  return {"image": images, "label": label, "weight": np.ones(N, np.float32)}


@pytest.fixture(scope="module")
def weights(batch):
  """(those of the text-to-image model, whose output is not 0; those of the inpainting one)."""
  params, state = jax.jit(FIRST.init)(KEY, batch)
  noisy = lambda p: p + 0.3 * np.random.default_rng(p.size).normal(size=p.shape).astype("f4")
  params = jax.tree.map(noisy, params)
  return (params, state), MODEL.init(KEY, batch, {"first": (params, state)})


@pytest.fixture(scope="module")
def paint():
  """Samples of weights, given what is known."""
  draw = jax.jit(lambda w, given: MODEL.sample(*w, KEY, N, given, steps=3)["image"])
  return lambda w, given: np.asarray(draw(w, given), int)


def test_before_training_it_is_the_model_that_it_comes_from(batch, weights, paint):
  """Whatever is known; as images of 256 gray levels, of which rounding may move one."""
  given = {"label": batch["label"]}
  draw = jax.jit(lambda w, given: FIRST.sample(*w, KEY, N, given, steps=3)["image"])
  plain = np.asarray(draw(weights[0], given), int)
  assert plain.std() > 8
  known = np.zeros((N, 4, 4, 1), np.uint8)
  known[:, 0, 0] = 1
  made = paint(weights[1], given | {"image": batch["image"], "known": known})
  assert np.abs(made - plain)[known[..., 0] == 0].max() <= 1


def test_what_is_known_is_kept_exactly_and_given_to_the_network(batch, weights, paint):
  params, state = weights[1]
  given = MODEL.observe(params, state, batch, KEY)
  assert 0 < given["known"].mean() < 1 and given.keys() == MODEL.given.keys()
  known = np.broadcast_to(given["known"], batch["image"].shape) > 0
  np.testing.assert_array_equal(given["image"][known], batch["image"][known])
  # Weights of the known pixels that are not 0 any more.
  trained = jax.tree.map(lambda p: p + 0.1, params), state
  one = paint(trained, given)
  np.testing.assert_array_equal(one[known], batch["image"][known])
  reversed_image = np.where(known, 255 - np.asarray(given["image"]), 0).astype(np.uint8)
  other = paint(trained, given | {"image": reversed_image})
  assert (one[~known] != other[~known]).any()
  # What stands in the hole does not matter.
  hidden = np.where(known, given["image"], 77).astype(np.uint8)
  np.testing.assert_array_equal(paint(trained, given | {"image": hidden}), one)


def test_the_loss_reaches_the_weights_that_start_at_0(batch, weights):
  params, state = weights[1]
  mean_loss = lambda p: MODEL.loss(p, state, batch, KEY, train=True)[0].mean()
  by_pixel = lambda p: np.asarray(p["net"]["body"]["Dense_0"]["kernel"]).reshape(16, -1, 8)
  # Three channels of x; then those of the known pixels, the mask, and whether all that is given.
  assert by_pixel(params).shape[1] == 3 + 5
  np.testing.assert_array_equal(by_pixel(params)[:, 3:], 0)
  gradient = by_pixel(jax.jit(jax.grad(mean_loss))(params))
  assert (np.abs(gradient[:, 3:]).max((0, 2)) > 0).all()


def test_of_patches_every_pixel_gets_its_own_new_channels(batch):
  """All old weights are 1 here."""
  options = OPTIONS | dict(network=dict(name="dit", width=8, depth=1, patch=2))
  first = edm.model(FIELDS, **options)
  shapes, _ = jax.eval_shape(first.init, KEY, batch)
  ones = jax.tree.map(lambda p: jnp.ones(p.shape), shapes)
  model = glide_inpainting.model(FIELDS, first=first, **options)
  params, _ = model.init(KEY, batch, {"first": (ones, {})})
  kernel = params["net"]["body"].pop("Dense_0")["kernel"].reshape(4, 8, 8)
  assert (kernel[:, :3] == 1).all() and (kernel[:, 3:] == 0).all()
  assert all((p == 1).all() for p in jax.tree.leaves(params))


def test_widening_puts_the_new_channels_behind_those_of_each_pixel():
  old = {"a": jnp.arange(12.0).reshape(6, 2), "b": jnp.ones(3)}
  new = {"a": jax.ShapeDtypeStruct((10, 2), "f4"), "b": jax.ShapeDtypeStruct((3,), "f4")}
  found = glide_inpainting.widened(old, new, 2)
  rows = [0, 1, 2, None, None, 3, 4, 5, None, None]
  expected = [np.zeros(2) if i is None else old["a"][i] for i in rows]
  np.testing.assert_array_equal(found["a"], expected)
  np.testing.assert_array_equal(found["b"], old["b"])
  for wrong in (new | {"b": jax.ShapeDtypeStruct((4,), "f4")}, {"a": new["a"]}):
    with pytest.raises(UserError, match=r"stages\.first has another network"):
      glide_inpainting.widened(old, wrong, 2)
