"""MADE: an exact likelihood in any order and for mixtures of orders; causal along its order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp

from genjax_zoo.core import Field
from genjax_zoo.models.autoregressive import made
from genjax_zoo.nn.masked import draw_degrees
from tests.models.autoregressive.test_autoregressive import BINARY, all_images, depends, perturbed

slow = pytest.mark.slow  # Minutes of compiling.

HIDDEN = (40, 40)


@slow
@pytest.mark.parametrize("options", [dict(masks=3), dict(direct=False)])
def test_probabilities_sum_to_one(options):
  model, image = made.model(BINARY, hidden=HIDDEN, **options), {"image": all_images(BINARY)}
  params = perturbed(model, BINARY)
  nats = jax.jit(lambda batch: model.log_prob(params, {}, batch, None))(image)
  np.testing.assert_allclose(np.exp(np.float64(nats)).sum(), 1, atol=1e-5)


@slow
@pytest.mark.parametrize("order", ["raster", "random"])
def test_causal_along_its_order(order):
  degrees = draw_degrees(np.random.default_rng(0), 9, HIDDEN, order == "raster")
  model = made.model(BINARY, hidden=HIDDEN, order=order)
  expected = degrees[0][:, None] > degrees[0][None]
  np.testing.assert_array_equal(depends(model, perturbed(model, BINARY), BINARY), expected)


@slow
def test_mixture_is_the_mean_of_its_orders():
  """p(x) >= p_m(x) / M for x sampled in order m; training uses one order, evaluation all."""
  model = made.model(BINARY, hidden=HIDDEN, masks=3)
  params = perturbed(model, BINARY)
  log_prob = jax.jit(lambda batch: model.log_prob(params, {}, batch, None))
  sample = jax.jit(lambda key, m: model.parts["sample_log_prob"](params, {}, key, 50, {}, m=m))
  for m in range(3):
    batch, nats = sample(jax.random.key(m), m)
    assert (log_prob(batch) >= nats - np.log(3) - 1e-4).all()
  image = {"image": all_images(BINARY)}
  train = jax.jit(lambda key: model.loss(params, {}, image, key, train=True)[0])
  likelihoods = [np.exp(-train(jax.random.key(seed))) for seed in range(20)]
  components = np.unique(likelihoods, axis=0)
  assert len(components) == 3
  np.testing.assert_allclose(components.mean(0), np.exp(log_prob(image)), rtol=1e-4)


def dense(params, x, mask):
  return x @ np.where(mask, params["kernel"], 0) + params.get("bias", 0)


def forward(params, x, degrees):
  """Log-probabilities [B, D, K] by one hidden layer of ReLUs and direct connections, in NumPy."""
  inputs, hidden = degrees
  v = x / 2
  h = np.maximum(dense(params["MaskedDense_0"], v, inputs[:, None] <= hidden[None]), 0)
  outputs = np.repeat(inputs, 3)
  out = dense(params["MaskedDense_1"], h, hidden[:, None] < outputs[None])
  out += dense(params["MaskedDense_2"], v, inputs[:, None] < outputs[None])
  return log_softmax(out.reshape(len(x), -1, 3), -1)


def test_orders_are_mixed_in_evaluation_and_drawn_in_training():
  data = {"x": Field((4,), np.uint8, 3)}
  model = made.model(data, hidden=(12,), masks=3, seed=5)
  rng = np.random.default_rng(0)
  shapes = jax.eval_shape(model.init, jax.random.key(0), {})[0]
  params = jax.tree.map(lambda x: rng.normal(size=x.shape).astype(np.float32), shapes)
  x = rng.integers(3, size=(6, 4))
  drawn = np.random.default_rng(5)
  degrees = [draw_degrees(drawn, 4, (12,)) for _ in range(3)]
  log_p = [forward(params["net"], x, d) for d in degrees]
  components = np.stack([np.take_along_axis(l, x[..., None], -1).sum((1, 2)) for l in log_p])
  batch, key = {"x": jnp.asarray(x)}, jax.random.key(1)

  found = jax.jit(lambda: model.log_prob(params, {}, batch, key))()
  np.testing.assert_allclose(found, logsumexp(components, 0) - np.log(3), rtol=1e-4)
  evaluated, _ = model.loss(params, {}, batch, key, train=False)
  np.testing.assert_allclose(evaluated, -found, rtol=1e-5)
  train = jax.jit(lambda key: model.loss(params, {}, batch, key, train=True)[0])
  losses = np.stack([train(jax.random.key(seed)) for seed in range(12)])
  distance = np.abs(losses[:, None] + components[None]).max(-1)
  assert (distance.min(1) < 1e-3).all() and set(distance.argmin(1)) == {0, 1, 2}

  # Samples go along the order of a mask, and are scored by it.
  sample = jax.jit(lambda m: model.parts["sample_log_prob"](params, {}, key, 5, m=m))
  for m in range(3):
    batch, nats = jax.device_get(sample(m))
    log_p = forward(params["net"], batch["x"].astype(int), degrees[m])
    expected = np.take_along_axis(log_p, batch["x"][..., None].astype(int), -1).sum((1, 2))
    np.testing.assert_allclose(nats, expected, rtol=1e-4)
