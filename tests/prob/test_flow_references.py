"""Splines, couplings and autoregressive layers equal those of nflows and zuko.

flow_references.py wrote the fixture.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import bijectors as b, univariate
from genjax_zoo.prob.splines import inverse_spline, spline


@pytest.fixture(scope="module")
def references():
  return dict(np.load(Path(__file__).parents[1] / "fixtures" / "flows.npz"))


def test_splines_are_those_of_nflows(references):
  for function, name in (spline, "spline"), (inverse_spline, "inverse_spline"):
    with jax.enable_x64(True):
      y, log_slope = function(
        jnp.array(references["spline_x"]), jnp.array(references["spline_params"]), 3.0
      )
    np.testing.assert_allclose(y, references[f"{name}_y"], atol=1e-10)
    np.testing.assert_allclose(log_slope, references[f"{name}_log_slope"], atol=1e-9)
  assert (np.abs(references["spline_x"]) > 3).any()


def test_couplings_and_autoregressive_layers_are_those_of_zuko(references):
  with jax.enable_x64(True):
    x, w, u, masked = (jnp.array(references[k]) for k in ("x", "w", "u", "masked"))
    net = lambda fixed: (jnp.tanh(fixed @ w) @ u).reshape(len(fixed), -1, 2)
    causal = lambda x: jnp.tanh(jnp.einsum("bi,idk->bdk", x, masked))
    flows = {
      "coupling": b.coupling(b.halves(), univariate.affine, net),
      "autoregressive": b.autoregressive(univariate.affine, causal),
    }
    for name, f in flows.items():
      y, log_det = f.forward_and_log_det(x)
      np.testing.assert_allclose(y, references[f"{name}_y"], atol=1e-12)
      np.testing.assert_allclose(log_det, references[f"{name}_log_det"], atol=1e-12)
      np.testing.assert_allclose(
        f.inverse_and_log_det(x)[0], references[f"{name}_inverse"], atol=1e-10
      )
