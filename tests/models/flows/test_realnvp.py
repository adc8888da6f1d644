"""RealNVP: the plan of the scales is the paper's, every pixel is moved, and mistakes are told."""

import jax
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.flows import realnvp
from genjax_zoo.prob.bijectors import checkerboard, halves


def test_the_plan_is_the_papers():
  """3 checkerboards, 3 of channels a scale, 4 checkerboards at last; half of the numbers are left
  at each scale.
  """
  first, second, last = realnvp.plan((28, 28, 1), 3)
  assert first == [(checkerboard, (28, 28, 1), 3), (halves, (14, 14, 4), 3)]
  assert second == [(checkerboard, (14, 14, 2), 3), (halves, (7, 7, 8), 3)]
  assert last == [(checkerboard, (7, 7, 4), 4)]


@pytest.mark.slow
@pytest.mark.parametrize("split", [checkerboard, halves])
def test_parts_change_places(split):
  """Of two couplings each number is kept by one and moved by the other."""
  shape = (2, 2, 2)
  initialize, through = realnvp.alternating(split, shape, 2, 4, 1, 2.0, "float32")
  x = jax.random.normal(jax.random.key(0), (1, *shape))
  moved = []
  for i in range(2):
    params = initialize(jax.random.key(1))
    bias = params["net"]["Conv_3"]["bias"]
    params["net"]["Conv_3"]["bias"] = bias.at[i].set(1.0)  # The other coupling is the identity.
    moved.append(np.asarray(through(params).forward_and_log_det(x)[0] != x))
  assert not (moved[0] & moved[1]).any() and (moved[0] | moved[1]).all() and moved[0].sum() == 4


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
