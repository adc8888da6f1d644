"""Spline flows raise for data that they can't model."""

import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.flows import spline_flow


@pytest.mark.parametrize(
  "data, message",
  [
    ({"x": Field((1,), np.float32)}, "at least 2"),
    ({"image": Field((4, 4, 1), np.uint8, 17)}, "takes vectors"),
  ],
)
def test_other_data_raise(data, message):
  with pytest.raises(UserError, match=message):
    spline_flow.model(data)
