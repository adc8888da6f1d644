"""Hooks: an edit acts where it is named, within its context alone, and reading changes nothing."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.causal import Attention, attending_to
from genjax_zoo.nn.hooks import HookPoint, edited, reading

X = jnp.arange(6.0).reshape(2, 3)


class Squares(nn.Module):
  """(x + 1)² + 1, with hooks before and after the square."""

  @nn.compact
  def __call__(self, x):
    return HookPoint(name="after")(HookPoint(name="before")(x + 1) ** 2) + 1


def test_an_edit_acts_at_its_hook_in_its_context():
  net = Squares()
  plain = (X + 1) ** 2 + 1
  with edited({"before": lambda h: 2 * h}):
    np.testing.assert_array_equal(net.apply({}, X), 4 * (X + 1) ** 2 + 1)
    with edited({"after": lambda h: -h}):
      np.testing.assert_array_equal(net.apply({}, X), -4 * (X + 1) ** 2 + 1)
  np.testing.assert_array_equal(net.apply({}, X), plain)
  out, (h,) = reading("before", lambda: net.apply({}, X))
  np.testing.assert_array_equal(out, plain)
  np.testing.assert_array_equal(h, X + 1)
  twice = lambda: net.apply({}, X)

  def inner():
    with edited({"before": lambda h: 2 * h}):
      return twice()

  np.testing.assert_array_equal(reading("before", inner)[1][0], 2 * (X + 1))
  with edited({"before": lambda h: 2 * h}):
    np.testing.assert_array_equal(reading("before", twice)[1][0], X + 1)
  assert not net.init(jax.random.key(0), X)


def test_a_prefix_is_attended_to_as_tokens_before_all_others():
  """Keys and values of earlier tokens in place of these tokens themselves."""
  net = Attention(2, 4, "float32")
  h = jax.random.normal(jax.random.key(1), (3, 5, 4))
  variables = {"params": net.init(jax.random.key(0), h, jnp.ones((5, 5), bool))["params"]}
  whole = net.apply(variables, h, jnp.tril(jnp.ones((5, 5), bool)))
  project = lambda name: jnp.einsum("btw,wnd->btnd", h[:, :2], variables["params"][name]["kernel"])

  class Named(nn.Module):
    @nn.compact
    def __call__(self, h, mask):
      return Attention(2, 4, "float32", name="first")(h, mask)

  named = {"params": {"first": variables["params"]}}
  with attending_to({"first": (project("k"), project("v"))}):
    late = Named().apply(named, h[:, 2:], jnp.tril(jnp.ones((3, 3), bool)))
  np.testing.assert_allclose(late, whole[:, 2:], rtol=1e-5, atol=1e-6)
