"""Splines, couplings and autoregressive layers equal those of nflows and zuko (see
flow_references.py).
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import bijectors as b, univariate
from genjax_zoo.prob.splines import inverse_spline, spline


@pytest.fixture(scope="module")
def theirs():
  return dict(np.load(Path(__file__).parents[1] / "fixtures" / "flows.npz"))


def test_splines_are_those_of_nflows(theirs):
  for function, name in (spline, "spline"), (inverse_spline, "inverse_spline"):
    with jax.enable_x64(True):
      y, log_slope = function(
        jnp.array(theirs["spline_x"]), jnp.array(theirs["spline_params"]), 3.0
      )
    np.testing.assert_allclose(y, theirs[f"{name}_y"], atol=1e-10)
    np.testing.assert_allclose(log_slope, theirs[f"{name}_log_slope"], atol=1e-9)
  assert (np.abs(theirs["spline_x"]) > 3).any()


def test_couplings_and_autoregressive_layers_are_those_of_zuko(theirs):
  with jax.enable_x64(True):
    x, w, u, masked = (jnp.array(theirs[k]) for k in ("x", "w", "u", "masked"))
    net = lambda kept: (jnp.tanh(kept @ w) @ u).reshape(len(kept), -1, 2)
    causal = lambda x: jnp.tanh(jnp.einsum("bi,idk->bdk", x, masked))
    flows = {
      "coupling": b.coupling(b.halves(), univariate.affine, net),
      "autoregressive": b.autoregressive(univariate.affine, causal),
    }
    for name, f in flows.items():
      y, log_det = f.forward_and_log_det(x)
      np.testing.assert_allclose(y, theirs[f"{name}_y"], atol=1e-12)
      np.testing.assert_allclose(log_det, theirs[f"{name}_log_det"], atol=1e-12)
      np.testing.assert_allclose(f.inverse_and_log_det(x)[0], theirs[f"{name}_inverse"], atol=1e-10)
