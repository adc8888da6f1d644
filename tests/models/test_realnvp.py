"""RealNVP: the plan of the scales is the paper's, every pixel is moved, and mistakes are told."""

import itertools

import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models import realnvp
from genjax_zoo.prob.bijectors import checkerboard, halves

pytestmark = pytest.mark.slow  # Minutes of compiling.


def test_the_plan_is_the_papers():
  """3 checkerboards, 3 of channels a scale, 4 checkerboards at last; half of the numbers are left at each scale."""
  first, second, last = realnvp.plan((28, 28, 1), 3)
  assert [split for split, _, _ in first] == [checkerboard] * 3 + [halves] * 3
  assert [split for split, _, _ in last] == [checkerboard] * 4
  assert [layers[0][1] for layers in (first, second, last)] == [(28, 28, 1), (14, 14, 2), (7, 7, 4)]
  for layers in (first, second, last):
    for (split, _, even), (following, _, odd) in itertools.pairwise(layers):
      assert split is not following or even != odd


@pytest.mark.parametrize(
  "field, scales, message",
  [
    (Field((1,), np.float32), 2, "at least 2"),
    (Field((28, 28, 1), np.uint8, 256), 4, "3 at most"),
    (Field((7, 7, 1), np.uint8, 256), 2, "1 at most"),
    (Field((4, 4, 1), np.float32), 2, "integer images"),
  ],
)
def test_mistakes_are_told(field, scales, message):
  name = "x" if len(field.shape) == 1 else "image"
  with pytest.raises(UserError, match=message):
    realnvp.model({name: field}, scales=scales)
