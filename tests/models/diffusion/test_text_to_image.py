"""Text to image: guidance between a model with a caption and without, and captions dropped."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field
from genjax_zoo.models.diffusion import edm

FIELDS = {"image": Field((4, 4, 3), np.uint8, 256), "tokens": Field((5,), np.int32, 7)}
KEY, N = jax.random.key(0), 4
MODEL = edm.model(
  FIELDS, network=dict(name="dit", width=8, depth=1, patch=2), condition=("tokens",), drop=0.5
)
CAPTIONS = jnp.array([[1, 2, 3, 0, 0], [4, 5, 6, 1, 2], [3, 3, 0, 0, 0], [6, 1, 0, 0, 0]])
BATCH = {"image": jnp.zeros((N, 4, 4, 3), jnp.uint8), "tokens": CAPTIONS}


@pytest.fixture(scope="module")
def params():
  """Parameters with which the output is not 0."""
  params, _ = jax.jit(MODEL.init)(KEY, BATCH)
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(KEY, len(leaves))
  return tree.unflatten([p + 0.3 * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys)])


@pytest.fixture(scope="module")
def sample(params):
  @jax.jit
  def images(given, options):
    return MODEL.sample(params, {}, KEY, N, given, steps=2, **options)["image"]

  def sample(given, **options):
    return np.asarray(images(given, options), np.float32)

  return sample


def test_guidance_of_scale_1_is_none_and_of_scale_0_the_unconditional_model(sample):
  """As images of 256 gray levels: rounding may move one."""
  given = {"tokens": CAPTIONS}
  plain, without = sample(given), sample({})
  assert np.abs(plain - without).max() > 8
  assert np.abs(sample(given, scale=1.0) - plain).max() <= 1
  assert np.abs(sample(given, scale=0.0) - without).max() <= 1
  assert np.abs(sample(given, scale=3.0) - plain).max() > 8


def test_a_caption_is_dropped_in_training_alone(params):
  """With half the captions dropped the loss depends on the words for some examples alone."""
  other = BATCH | {"tokens": CAPTIONS[::-1]}
  many = lambda batch: jax.tree.map(lambda x: jnp.tile(x, (50, *[1] * (x.ndim - 1))), batch)
  loss = jax.jit(MODEL.loss, static_argnames="train")
  changed = lambda train: np.not_equal(
    *(loss(params, {}, many(batch), KEY, train=train)[0] for batch in (BATCH, other))
  )
  assert changed(False).all()
  assert abs(changed(True).mean() - 0.5) < 4 * np.sqrt(0.25 / 200)
