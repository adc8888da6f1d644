"""NICE: only the last layer changes volume, odd sizes work, and mistakes are told."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.flows import nice


def test_couplings_keep_volume_and_move_every_number():
  data = {"x": Field((5,), np.float32)}
  model = nice.model(data, hidden=(8,))
  x = jax.random.normal(jax.random.key(0), (32, 5))
  params, _ = model.init(jax.random.key(1), {"x": x})
  params["nets"] = jax.tree.map(lambda p: p + 0.3, params["nets"])
  z, log_det = model.parts["bijector"](params).forward_and_log_det(x)
  np.testing.assert_allclose(log_det, jnp.full(32, params["scale"]["log_scale"].sum()), rtol=1e-5)
  order = np.array([0, 2, 4, 1, 3])
  straight = (x[:, order] + params["scale"]["shift"][None]) * jnp.exp(params["scale"]["log_scale"])[
    None
  ]
  assert (np.abs(z - straight).max(0) > 1e-3).all()


def test_mistakes_are_told():
  with pytest.raises(UserError, match="prior"):
    nice.model({"x": Field((5,), np.float32)}, prior="cauchy")
  with pytest.raises(UserError, match="at least 2"):
    nice.model({"x": Field((1,), np.float32)})
