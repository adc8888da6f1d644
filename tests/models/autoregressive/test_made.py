"""MADE: an exact likelihood in any order and for mixtures of orders; causal along its order."""

import jax
import numpy as np
import pytest

from genjax_zoo.models.autoregressive import made
from genjax_zoo.nn.masked import draw_degrees
from tests.models.autoregressive.test_autoregressive import BINARY, all_images, depends, perturbed

pytestmark = pytest.mark.slow  # Minutes of compiling.

HIDDEN = (40, 40)


@pytest.mark.parametrize("options", [dict(masks=3), dict(direct=False)])
def test_probabilities_sum_to_one(options):
  model, image = made.model(BINARY, hidden=HIDDEN, **options), {"image": all_images(BINARY)}
  params = perturbed(model, BINARY)
  nats = jax.jit(lambda batch: model.log_prob(params, {}, batch, None))(image)
  np.testing.assert_allclose(np.exp(np.float64(nats)).sum(), 1, atol=1e-5)


@pytest.mark.parametrize("order", ["raster", "random"])
def test_causal_along_its_order(order):
  degrees = draw_degrees(np.random.default_rng(0), 9, HIDDEN, order == "raster")
  model = made.model(BINARY, hidden=HIDDEN, order=order)
  expected = degrees[0][:, None] > degrees[0][None]
  np.testing.assert_array_equal(depends(model, perturbed(model, BINARY), BINARY), expected)


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
