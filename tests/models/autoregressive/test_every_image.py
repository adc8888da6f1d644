"""Autoregressive networks on all 256 binary images of 2 x 2 pixels and 2 channels.

The quick half of test_autoregressive.py: one compilation for each network.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field
from tests.models.autoregressive.test_autoregressive import MODELS

DATA = {"image": Field((2, 2, 2), np.uint8, 2), "label": Field((), np.int32, 3)}
IMAGES = np.array(list(itertools.product((0, 1), repeat=8)), np.uint8).reshape(256, 2, 2, 2)
DRAWS = 400
SMALL = {  # What is enough for two pixels; the others are as in MODELS.
  "window": dict(window=7, hidden=(8,)),
  "pixel_transformer": dict(width=8, layers=1, heads=2),
  "row": dict(width=12, layers=1, first=3),
}


def random_params(model, seed=0):
  """Parameters of which none is 0, without compiling `init`."""
  shapes, _ = jax.eval_shape(model.init, jax.random.key(0), {"image": IMAGES[:1]})
  rng = np.random.default_rng(seed)

  def draw(x):
    fan_in = max(1, x.size // x.shape[-1])
    return jnp.asarray(rng.normal(size=x.shape) / fan_in**0.5, x.dtype)

  return jax.tree.map(draw, shapes)


@pytest.mark.parametrize("name", MODELS)
def test_normalised_causal_and_sampled_as_scored(name):
  module, options = MODELS[name]
  model = module.model(DATA, **SMALL.get(name, options))
  params = random_params(model)

  @jax.jit
  def evaluated(key):
    batch = {"image": jnp.asarray(IMAGES), "label": jnp.ones(256, int)}
    nats = model.log_prob(params, {}, batch, key)
    outputs = model.parts["conditionals"](params, {}, IMAGES.reshape(256, 8), batch)
    if name == "pixelcnn_pp":  # It evaluates the same function for each dimension: no caches.
      return nats, outputs, None
    given = {"label": jnp.ones(DRAWS, int)} if model.given else {}
    return nats, outputs, model.parts["sample_log_prob"](params, {}, key, DRAWS, given)

  nats, outputs, drawn = jax.device_get(evaluated(jax.random.key(4)))
  np.testing.assert_allclose(np.exp(np.float64(nats)).sum(), 1, atol=1e-5)

  # Along axis j of 8, x_j goes from 0 to 1: the outputs of later dimensions change, and no others.
  by_value = outputs.reshape(*[2] * 8, 8, -1)
  change = np.stack([np.abs(np.diff(by_value, axis=j)).max((*range(8), -1)) for j in range(8)], 1)
  np.testing.assert_array_equal(change > 1e-5, np.tri(8, k=-1) > 0)

  if drawn:
    samples, sample_nats = drawn
    index = samples["image"].reshape(DRAWS, 8) @ 2 ** np.arange(8)[::-1]
    np.testing.assert_allclose(sample_nats, nats[index], atol=5e-5)
    assert len(np.unique(index)) > 20
