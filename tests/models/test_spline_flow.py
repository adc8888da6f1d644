"""Spline flows say what they can't take."""

import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models import spline_flow

pytestmark = pytest.mark.slow  # Minutes of compiling.


@pytest.mark.parametrize("data", [{"x": Field((1,), np.float32)}, {"image": Field((4, 4, 1), np.uint8, 17)}])
def test_mistakes_are_told(data):
  with pytest.raises(UserError, match="D > 1"):
    spline_flow.model(data)
