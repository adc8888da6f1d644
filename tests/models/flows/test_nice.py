"""NICE: only the last layer changes volume, odd sizes work, wrong options raise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.flows import nice
from genjax_zoo.nn.conditioner import DenseConditioner
from genjax_zoo.prob.bijectors import actnorm


def test_couplings_preserve_volume_and_move_every_element():
  data = {"x": Field((5,), np.float32)}
  model = nice.model(data, hidden=(8,))
  x = jax.random.normal(jax.random.key(0), (32, 5))
  params, state = model.init(jax.random.key(1), {"x": x})
  params["nets"] = jax.tree.map(lambda p: p + 0.3, params["nets"])
  z, log_det = model.parts["bijector"](params, state).forward_and_log_det(x)
  np.testing.assert_allclose(log_det, jnp.full(32, params["scale"]["log_scale"].sum()), rtol=1e-5)
  order = np.array([0, 2, 4, 1, 3])
  scale = jnp.exp(params["scale"]["log_scale"])
  without_couplings = (x[:, order] + params["scale"]["shift"][None]) * scale[None]
  assert (np.abs(z - without_couplings).max(0) > 1e-3).all()


def test_couplings_shift_in_units_of_the_last_layer():
  """After the last layer, exp(log_scale) times the shift, its networks' outputs are left."""
  net = DenseConditioner((4,), (3, 1))
  params = net.init(jax.random.key(0), jnp.zeros((1, 2)))["params"]
  params["Dense_1"]["bias"] = jnp.array([1.0, 2.0, 3.0])
  log_scale = jnp.array([5.0, 6.0, 0.5, -1.0, 2.0])
  f = nice.additive_coupling(params, 0, net, log_scale)
  y, log_det = f.forward_and_log_det(jnp.zeros((1, 5)))
  np.testing.assert_allclose(y[0] * jnp.exp(log_scale), [0, 0, 1, 2, 3], rtol=1e-5)
  np.testing.assert_array_equal(log_det, [0])


def test_scales_start_at_the_width_of_the_logistic_prior():
  """Its median, and the mean absolute deviation."""
  h = 3 * jax.random.logistic(jax.random.key(0), (4001, 2)) + 5
  y, _ = actnorm(nice.scale_init(h, "logistic")).forward_and_log_det(h)
  np.testing.assert_allclose(jnp.median(y, 0), 0, atol=1e-5)
  np.testing.assert_allclose(jnp.abs(y).mean(0), 2 * np.log(2), rtol=1e-4)


def test_wrong_options_raise():
  with pytest.raises(UserError, match="prior"):
    nice.model({"x": Field((5,), np.float32)}, prior="cauchy")
  with pytest.raises(UserError, match="at least 2"):
    nice.model({"x": Field((1,), np.float32)})
