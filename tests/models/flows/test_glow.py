"""Glow: its program does not grow with depth, every channel is mixed, the first batch sets each
actnorm.
"""

import time

import jax
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, UserError, descend
from genjax_zoo.models.flows import glow
from genjax_zoo.prob import bijectors
from genjax_zoo.sharding import jit

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


def compiled(shape, batch, **options):
  """A training step, the arguments of its first call, and the processor's seconds that its
  compilation took.
  """
  data = {"image": Field(shape, np.uint8, 256)}
  learner = descend(glow.model(data, width=64, **options), optax.adam(1e-4))
  images = {"image": np.random.default_rng(0).integers(256, size=(batch, *shape)).astype(np.uint8)}
  ts, key = jit(learner.init)(jax.random.key(0), images), jax.random.key(1)
  begun = time.process_time()
  step = jit(learner.step).lower(ts, images, key).compile()
  return step, (ts, images, key), time.process_time() - begun


@pytest.fixture
def uncached():
  """Compilations that are done, not read from a cache."""
  jax.config.update("jax_enable_compilation_cache", False)
  yield
  jax.config.update("jax_enable_compilation_cache", True)


@pytest.mark.slow
def test_32_steps_a_level_compile_in_seconds(uncached):
  """The three levels of the paper; 11 s on 2 CPU cores."""
  assert compiled((32, 32, 3), 8, levels=3, depth=32)[2] < 15


@pytest.mark.slow
def test_a_scanned_step_is_as_fast_as_an_unrolled_one(monkeypatch):
  """The convolution's gradient inside `scan` is the usual one (see nn.conv)."""

  def unrolled(layer, params):
    depth = len(jax.tree.leaves(params)[0])
    return bijectors.chain(*(layer(jax.tree.map(lambda p: p[i], params)) for i in range(depth)))

  steps, seconds = (
    {"scanned": compiled((32, 32, 3), 32, levels=1, depth=8)},
    {"scanned": [], "unrolled": []},
  )
  monkeypatch.setattr(bijectors, "repeat", unrolled)
  steps["unrolled"] = compiled((32, 32, 3), 32, levels=1, depth=8)
  for _ in range(7):
    for name, (step, arguments, _) in steps.items():
      begun = time.process_time()
      jax.block_until_ready(step(*arguments))
      seconds[name].append(time.process_time() - begun)
  scanned, straight = (np.median(seconds[name]) for name in steps)
  print(
    f"\n8 steps of Glow, batch 32: scanned {scanned:.3f} s, unrolled {straight:.3f} s of the processor"
  )
  assert scanned < 1.25 * straight


@pytest.mark.slow
def test_the_first_batch_leaves_each_step_standardised():
  model = glow.model(IMAGE, depth=3, levels=1, width=8)
  params, _ = jax.jit(model.init)(jax.random.key(0), BATCH)
  z = jax.jit(lambda x: model.parts["bijector"](params).forward_and_log_det(x)[0])(
    (BATCH["image"] + 0.5) / 17
  )
  first = np.asarray(params["levels"][0]["steps"]["norm"]["log_scale"])
  # Rotations keep unit variance but for correlations.
  np.testing.assert_allclose(first[1:], 0, atol=0.3)
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
