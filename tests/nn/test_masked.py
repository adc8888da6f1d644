"""Masked networks: degrees leave exactly the paths that the order allows; causal rows see what they
should.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn.masked import MaskedConv, MaskedMLP, causal, draw_degrees, groups


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("raster", [False, True])
def test_outputs_depend_on_lower_degrees_only(direct, raster):
  degrees = draw_degrees(np.random.default_rng(1), 6, (50, 50), raster)
  net = MaskedMLP((50, 50), 2, direct, activation=jnp.tanh)
  x = jax.random.normal(jax.random.key(0), (1, 6))
  params = net.init(jax.random.key(1), x, degrees)
  depends = np.abs(jax.jacobian(lambda x: net.apply(params, x[None], degrees)[0])(x[0])) > 0
  expected = degrees[0][:, None] > degrees[0][None]
  np.testing.assert_array_equal(depends, np.broadcast_to(expected[:, None], (6, 2, 6)))


def test_degrees_of_hidden_units_do_not_break_paths():
  degrees = draw_degrees(np.random.default_rng(2), 10, (8, 300))
  assert sorted(degrees[0]) == list(range(10))
  assert degrees[1].max() <= 8 and degrees[2].min() == degrees[1].min() and degrees[2].max() == 8


@pytest.mark.parametrize("strict", [False, True])
def test_causal_row(strict):
  """A feature sees all channels to the left, and in its pixel the earlier ones, its own if not
  strict.
  """
  inputs, made = groups(3, 3), groups(7, 3)
  conv = MaskedConv(7, (1, 3), 2)
  x = jax.random.normal(jax.random.key(0), (1, 1, 4, 3))
  mask = causal((1, 3), 2, inputs, made, strict)
  params = {"params": conv.init(jax.random.key(1), x, mask)["params"]}
  # [x', O, x, I]
  jacobian = jax.jacobian(lambda x: conv.apply(params, x, mask)[0, 0])(x)[:, :, 0, 0]
  for at in range(4):
    for pixel in range(4):
      present = inputs[None] < made[:, None] if strict else inputs[None] <= made[:, None]
      seen = present if pixel == at else np.full((7, 3), at - 2 <= pixel < at)
      np.testing.assert_array_equal(np.abs(jacobian[at, :, pixel]) > 0, seen)


@pytest.mark.parametrize(
  "kernel, centre, mask", [((2, 3), 1, True), ((3, 5), 2, False), ((1, 3), 2, False)]
)
def test_a_pixel_and_a_row_from_their_cache_equal_the_whole(kernel, centre, mask):
  """Along the raster order for causal masks; row by row for any; and cut out of a whole input."""
  own = groups(4, 2)
  masked = True if mask else causal(kernel, centre, own, own, strict=False)
  conv = MaskedConv(4, kernel, centre)
  x = jax.random.normal(jax.random.key(0), (2, 4, 6, 4))
  variables = conv.init(jax.random.key(1), x, masked)
  whole = conv.apply({"params": variables["params"]}, x, masked)
  apply = jax.jit(lambda v, x, at: conv.apply(v, x, masked, at, mutable=["cache"]))
  for at in (2, 3), (1, None):
    expected = (
      whole[:, at[0], :][:, None] if at[1] is None else whole[:, at[0], at[1]][:, None, None]
    )
    found = apply(
      {"params": variables["params"], "cache": jax.tree.map(jnp.zeros_like, variables["cache"])},
      x,
      at,
    )[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
  for columns in ([None], range(6)) if not mask else ([None],):
    state = variables | {"cache": jax.tree.map(jnp.zeros_like, variables["cache"])}
    for row in range(4):
      for column in columns:
        part = slice(None) if column is None else slice(column, column + 1)
        y, changed = apply(state, x[:, row : row + 1, part], (row, column))
        np.testing.assert_allclose(y, whole[:, row : row + 1, part], atol=1e-5)
        state |= changed
