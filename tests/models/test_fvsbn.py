"""FVSBN: an exact law, causal, sampled from; each conditional is a logistic regression."""

import jax
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models import fvsbn
from tests.models import chain

pytestmark = pytest.mark.slow  # Minutes of compiling.


@pytest.mark.parametrize("data", chain.DATA)
@pytest.mark.parametrize("check", chain.CHECKS)
def test_chain(check, data):
  check(fvsbn.model(data), data)


def test_samples_have_the_law_of_log_prob():
  chain.check_frequencies(fvsbn.model(chain.BINARY), chain.BINARY)


def test_independent_pixels_in_closed_form():
  model = fvsbn.model(chain.BINARY)
  params, _ = model.init(jax.random.key(0), {})
  np.testing.assert_allclose(
    model.log_prob(params, {}, {"image": chain.all_images(chain.BINARY)}, None), -9 * np.log(2)
  )


def test_real_numbers_are_refused():
  with pytest.raises(UserError, match="integers"):
    fvsbn.model({"x": Field((2,), np.float32)})
