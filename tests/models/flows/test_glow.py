"""Glow: its program does not grow with depth, and the first batch sets each actnorm."""

import time

import jax
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, UserError, descend
from genjax_zoo.models.flows import glow
from genjax_zoo.prob.bijectors import chain
from genjax_zoo.sharding import jit

IMAGE = {"image": Field((8, 8, 1), np.uint8, 17)}
BATCH = {"image": np.random.default_rng(0).integers(17, size=(64, 8, 8, 1)).astype(np.uint8)}


def size(depth):
  """The number of equations of the gradient of the loss, before compilation."""
  model = glow.model(IMAGE, depth=depth, width=8)
  params, state = jax.eval_shape(model.init, jax.random.key(0), BATCH)
  f = lambda params, key: model.loss(params, state, BATCH, key, True)[0].mean()
  return str(jax.make_jaxpr(jax.grad(f))(params, jax.random.key(0))).count(" = ")


def test_the_program_does_not_grow_with_depth():
  assert size(2) == size(32)


def compiled(shape, batch, **options):
  """(training step, arguments of its first call, CPU seconds of its compilation)."""
  data = {"image": Field(shape, np.uint8, 256)}
  learner = descend(glow.model(data, width=64, **options), optax.adam(1e-4))
  images = {"image": np.random.default_rng(0).integers(256, size=(batch, *shape)).astype(np.uint8)}
  ts = jit(learner.init)(jax.random.key(0), images)
  key = jax.random.key(1)
  begun = time.process_time()
  step = jit(learner.step).lower(ts, images, key).compile()
  return step, (ts, images, key), time.process_time() - begun


@pytest.fixture
def uncached():
  """Compiles in earnest, without the cache of compilations."""
  jax.config.update("jax_enable_compilation_cache", False)
  yield
  jax.config.update("jax_enable_compilation_cache", True)


@pytest.mark.slow
def test_32_steps_a_scale_compile_in_seconds(uncached):
  """The three scales of the paper; 11 s on 2 CPU cores."""
  assert compiled((32, 32, 3), 8, scales=3, depth=32)[2] < 15


@pytest.mark.slow
def test_a_scanned_step_is_as_fast_as_an_unrolled_one(monkeypatch):
  """The convolution's gradient inside `scan` is the usual one (see nn.conv)."""

  def unrolled(layer, params):
    depth = len(jax.tree.leaves(params)[0])
    return chain(*(layer(jax.tree.map(lambda p: p[i], params)) for i in range(depth)))

  steps = {"scanned": compiled((32, 32, 3), 32, scales=1, depth=8)}
  seconds = {"scanned": [], "unrolled": []}
  monkeypatch.setattr(glow, "repeat", unrolled)
  steps["unrolled"] = compiled((32, 32, 3), 32, scales=1, depth=8)
  for _ in range(7):
    for name, (step, arguments, _) in steps.items():
      begun = time.process_time()
      jax.block_until_ready(step(*arguments))
      seconds[name].append(time.process_time() - begun)
  scanned = np.median(seconds["scanned"])
  unrolled = np.median(seconds["unrolled"])
  print(f"\n8 steps of Glow, batch 32: scanned {scanned:.3f}, unrolled {unrolled:.3f} CPU seconds")
  assert scanned < 1.25 * unrolled


@pytest.mark.slow
def test_the_first_batch_leaves_each_step_standardised():
  model = glow.model(IMAGE, depth=3, scales=1, width=8)
  params, state = jax.jit(model.init)(jax.random.key(0), BATCH)
  f = model.parts["bijector"](params, state)
  z, _ = jax.jit(f.forward_and_log_det)((BATCH["image"] + 0.5) / 17)
  first = np.asarray(params["levels"][0]["steps"]["norm"]["log_scale"])
  # Rotations preserve unit variances, correlations aside.
  np.testing.assert_allclose(first[1:], 0, atol=0.3)
  assert abs(np.asarray(z).std() - 1) < 0.1 and (np.abs(first[0]) > 0.3).any()


@pytest.mark.parametrize(
  "field, options, message",
  [
    (Field((6, 8, 1), np.uint8, 17), {"scales": 2}, "halved 1 times"),
    (Field((5, 8, 1), np.uint8, 17), {"scales": 1}, "halved 0 times"),
    (Field((8, 8, 1), np.uint8, 17), {"coupling": "mixtur"}, "did you mean|mixture"),
    (Field((8, 8, 1), np.float32), {}, "integer images"),
    (Field((8, 8, 1), np.uint8, 17), {"condition": ("label",)}, "label"),
    (Field((8, 8, 1), np.uint8, 17), {"dequantization": "variation"}, "variational"),
  ],
)
def test_wrong_options_raise(field, options, message):
  with pytest.raises(UserError, match=message):
    glow.model({"image": field}, **options)
