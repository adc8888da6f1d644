"""PointNet is of a set: neither the order of its points nor a repeated one changes anything."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.point_net import PointNet


def test_neither_order_nor_repetition_changes_it_and_each_point_can():
  x = jax.random.normal(jax.random.key(0), (2, 9, 3))
  net = PointNet((8, 16))
  params = net.init(jax.random.key(1), x)
  out = net.apply(params, x)
  assert out.shape == (2, 16) and (out >= 0).all()
  order = jax.random.permutation(jax.random.key(2), 9)
  np.testing.assert_allclose(net.apply(params, x[:, order]), out, rtol=1e-6)
  repeated = jnp.concatenate([x, x[:, 3:5]], 1)
  np.testing.assert_allclose(net.apply(params, repeated), out, rtol=1e-6)
  assert (net.apply(params, x[:, :5]) <= out + 1e-6).all()
