"""Glow: its program does not grow with depth, every channel is mixed, the first batch sets each actnorm."""

import jax
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models import glow

IMAGE = {"image": Field((8, 8, 1), np.uint8, 17)}
BATCH = {"image": np.random.default_rng(0).integers(17, size=(64, 8, 8, 1)).astype(np.uint8)}


def size(depth):
  """How many equations the gradient of the loss has, before compilation."""
  model = glow.model(IMAGE, depth=depth, width=8)
  params, state = jax.eval_shape(model.init, jax.random.key(0), BATCH)
  f = lambda params, key: model.loss(params, state, BATCH, key, True)[0].mean()
  return str(jax.make_jaxpr(jax.grad(f))(params, jax.random.key(0))).count(" = ")


def test_the_program_does_not_grow_with_depth():
  assert size(2) == size(32)


@pytest.mark.slow
def test_the_first_batch_leaves_each_step_standardised():
  model = glow.model(IMAGE, depth=3, levels=1, width=8)
  params, _ = jax.jit(model.init)(jax.random.key(0), BATCH)
  z = jax.jit(lambda x: model.parts["bijector"](params).forward_and_log_det(x)[0])((BATCH["image"] + 0.5) / 17)
  first = np.asarray(params["levels"][0]["steps"]["norm"]["log_scale"])
  np.testing.assert_allclose(first[1:], 0, atol=0.3)  # Rotations keep unit variance but for correlations.
  assert abs(np.asarray(z).std() - 1) < 0.1 and (np.abs(first[0]) > 0.3).any()


@pytest.mark.parametrize(
  "field, options, message",
  [
    (Field((6, 8, 1), np.uint8, 17), {"levels": 2}, "1 to 1 can be"),
    (Field((5, 8, 1), np.uint8, 17), {"levels": 1}, "1 to 0 can be"),
    (Field((8, 8, 1), np.uint8, 17), {"coupling": "mixtur"}, "did you mean|mixture"),
    (Field((8, 8, 1), np.float32), {}, "integer images"),
    (Field((8, 8, 1), np.uint8, 17), {"conditional": True}, "label"),
    (Field((8, 8, 1), np.uint8, 17), {"dequantization": "variation"}, "variational"),
  ],
)
def test_mistakes_are_told(field, options, message):
  with pytest.raises(UserError, match=message):
    glow.model({"image": field}, **options)
