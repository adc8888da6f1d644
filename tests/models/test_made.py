"""MADE: an exact law in any order and for mixtures of orders; causal along its order."""

import jax
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.models import made
from genjax_zoo.nn.masked import draw_degrees
from tests.models import chain

pytestmark = pytest.mark.slow  # Minutes of compiling.

HIDDEN = (40, 40)


@pytest.mark.parametrize("data", chain.DATA)
@pytest.mark.parametrize("options", [dict(order="raster"), dict(masks=3), dict(direct=False)])
def test_probabilities_sum_to_one(data, options):
  chain.check_normalised(made.model(data, hidden=HIDDEN, **options), data)


@pytest.mark.parametrize("check", [chain.check_sampling, chain.check_completion])
def test_sampling(check):
  check(made.model(chain.RGB, hidden=HIDDEN, order="raster"), chain.RGB)


@pytest.mark.parametrize("order", ["raster", "random"])
def test_causal_along_its_order(order):
  degrees = draw_degrees(np.random.default_rng(0), 9, HIDDEN, order == "raster")
  chain.check_causal(made.model(chain.BINARY, hidden=HIDDEN, order=order), chain.BINARY, np.argsort(degrees[0]))


def test_mixture_is_the_mean_of_its_orders():
  """p(x) >= p_m(x) / M for each order m that drew x; training sees one order, evaluation all."""
  model = made.model(chain.BINARY, hidden=HIDDEN, masks=3)
  params = chain.perturbed(model, chain.BINARY)
  log_prob = jax.jit(lambda batch: model.log_prob(params, {}, batch, None))
  draw = jax.jit(lambda key, m: model.parts["draw"](params, {}, key, 50, m=m))
  for m in range(3):
    batch, nats = draw(jax.random.key(m), m)
    assert (log_prob(batch) >= nats - np.log(3) - 1e-4).all()
  image = {"image": chain.all_images(chain.BINARY)}
  train = jax.jit(lambda key: model.loss(params, {}, image, key, train=True)[0])
  of_orders = np.unique([np.exp(-train(jax.random.key(seed))) for seed in range(20)], axis=0)
  assert len(of_orders) == 3
  np.testing.assert_allclose(of_orders.mean(0), np.exp(log_prob(image)), rtol=1e-4)


def test_mistakes_are_named():
  for wrong in (dict(order="spiral"), dict(masks=0)):
    with pytest.raises(UserError):
      made.model(chain.BINARY, **wrong)
