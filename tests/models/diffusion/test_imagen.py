"""Imagen: the diffusion models that it is made of, given what a frozen encoder reads."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.diffusion import edm, imagen, sr3

KEY, N = jax.random.key(0), 4
FIELDS = {"image": Field((4, 4, 3), np.uint8, 256), "tokens": Field((5,), np.int32, 7)}
NETWORK = dict(network=dict(name="mlp", hidden=(8,)), drop=0.5)
CAPTIONS = jnp.array([[1, 2, 3, 0, 0], [4, 5, 6, 1, 2], [3, 3, 0, 0, 0], [6, 1, 0, 0, 0]])
BATCH = {
  "image": jax.random.randint(KEY, (N, 4, 4, 3), 0, 256).astype(jnp.uint8),
  "tokens": CAPTIONS,
}
TABLE = jax.random.normal(KEY, (7, 3))


def read(params, state, tokens):
  return params["table"][tokens] * (tokens > 0)[..., None]


TEXT = Model(lambda key, batch: ({"table": TABLE}, {}), parts={"read_text": read})
FROZEN = {"text": ({"table": TABLE}, {})}
STATES = {"states": read({"table": TABLE}, {}, CAPTIONS)}
GIVEN = {"image": FIELDS["image"], "states": Field((5, 3), np.float32, kind="states")}


def moved(params):
  """Parameters with which the output is not 0."""
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(KEY, len(leaves))
  return tree.unflatten([p + 0.3 * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys)])


@pytest.mark.parametrize("stage", ["first", "second"])
def test_it_is_edm_or_sr3_given_the_states_of_captions(stage):
  own, inner = {}, edm.model(GIVEN, condition=("states",), **NETWORK)
  if stage == "second":
    own = dict(factor=2, augment=0.5)
    inner = sr3.model(GIVEN, condition=("states",), **own, **NETWORK)
  model = imagen.model(FIELDS, text=TEXT, **own, **NETWORK)
  params, state = jax.jit(model.init)(KEY, BATCH, FROZEN)
  assert params.keys() == {"net"}  # What reads is not trained.
  params = moved(params)
  seen = {"image": BATCH["image"], **STATES}
  loss = lambda model, state, batch: model.loss(params, state, batch, KEY, train=True)[0]
  found = jax.jit(lambda: loss(model, state, BATCH))()
  np.testing.assert_allclose(found, jax.jit(lambda: loss(inner, {}, seen))(), rtol=1e-5)
  assert model.given.keys() == {"tokens"} | ({"low"} if own else set())
  assert model.calls(steps=3) == inner.calls(steps=3)
  if own:
    assert model.observe(params, state, BATCH, KEY).keys() == model.given.keys()
    measure = lambda model, state, batch: model.evaluate(params, state, batch, KEY)["bicubic_psnr"]
    found = jax.jit(lambda: measure(model, state, BATCH))()
    np.testing.assert_allclose(found, jax.jit(lambda: measure(inner, {}, seen))(), rtol=1e-6)
    return
  draw = lambda model, state, given: model.sample(params, state, KEY, N, given, steps=2)["image"]
  found = jax.jit(lambda: draw(model, state, {"tokens": CAPTIONS}))()
  np.testing.assert_array_equal(found, jax.jit(lambda: draw(inner, {}, STATES))())
  other = jax.jit(lambda: draw(model, state, {}))()  # Without captions.
  assert (np.asarray(found) != np.asarray(other)).any()


def test_a_stage_that_reads_no_captions_is_refused():
  with pytest.raises(UserError, match=r"stages\.text reads no captions"):
    imagen.model(FIELDS, text=Model(None), **NETWORK)
  with pytest.raises(UserError, match="images with captions"):
    imagen.model({"image": FIELDS["image"]}, text=TEXT, **NETWORK)
