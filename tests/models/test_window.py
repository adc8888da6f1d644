"""The fixed window: an exact law, causal, blind to what is older than the window."""

import jax
import numpy as np
import pytest

from genjax_zoo.models import window
from tests.models import chain

pytestmark = pytest.mark.slow  # Minutes of compiling.


@pytest.mark.parametrize("data", chain.DATA)
@pytest.mark.parametrize("check", chain.CHECKS)
def test_chain(check, data):
  check(window.model(data, window=9, hidden=(8, 8)), data)


def test_window_is_as_wide_as_said():
  model = window.model(chain.BINARY, window=2, hidden=(8,))
  params = chain.perturbed(model, chain.BINARY)
  jacobian = jax.jacrev(lambda x: model.parts["logits"](params, x[None], {})[0, :, 0])(np.full(9, 0.3, np.float32))
  i = np.arange(9)
  distance = i[:, None] - i[None]
  np.testing.assert_array_equal(np.abs(jacobian) > 0, (distance > 0) & (distance <= 2))
