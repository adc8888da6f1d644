"""RealNVP: the plan of the scales is the paper's, every pixel is moved, wrong options raise."""

import jax
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.flows import realnvp
from genjax_zoo.nn.conditioner import ConvConditioner
from genjax_zoo.prob.bijectors import checkerboard, halves


def test_the_plan_is_the_papers():
  """3 checkerboards and 3 of channels a scale, of which half goes on, and 4 checkerboards last."""
  first, second, last = realnvp.plan((28, 28, 1), 3, lambda transformed: transformed)
  assert first == [(checkerboard, (28, 28, 1), 3, 1), (halves, (14, 14, 4), 3, 2)]
  assert second == [(checkerboard, (14, 14, 2), 3, 2), (halves, (7, 7, 8), 3, 4)]
  assert last == [(checkerboard, (7, 7, 4), 4, 4)]


@pytest.mark.slow
@pytest.mark.parametrize("split", [checkerboard, halves])
def test_parts_alternate(split):
  """Of two couplings each element is fixed by one and transformed by the other."""
  shape = (2, 2, 2)
  transformed = 1 if split is halves else 2
  net = ConvConditioner(width=4, blocks=1, shape=(transformed, 2))
  group = realnvp.Group(split, shape, 2, net)
  x = jax.random.normal(jax.random.key(0), (1, *shape))
  moved = []
  for i in range(2):
    params = realnvp.group_init(group, jax.random.key(1))
    bias = params["net"]["Conv_3"]["bias"]
    params["net"]["Conv_3"]["bias"] = bias.at[i].set(1.0)  # The other coupling is the identity.
    y, _ = realnvp.group_bijector(group, params).forward_and_log_det(x)
    moved.append(np.asarray(y != x))
  assert not (moved[0] & moved[1]).any() and (moved[0] | moved[1]).all() and moved[0].sum() == 4


@pytest.mark.parametrize(
  "field, scales, message",
  [
    (Field((1,), np.float32), 2, "at least 2"),
    (Field((28, 28, 1), np.uint8, 256), 4, "halved 2 times"),
    (Field((7, 7, 1), np.uint8, 256), 2, "halved 0 times"),
    (Field((4, 4, 1), np.float32), 2, "integer images"),
  ],
)
def test_wrong_options_raise(field, scales, message):
  name = "x" if len(field.shape) == 1 else "image"
  with pytest.raises(UserError, match=message):
    realnvp.model({name: field}, scales=scales)
