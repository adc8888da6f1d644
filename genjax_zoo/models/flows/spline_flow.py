"""Neural spline flow: rational-quadratic couplings (Durkan et al. 2019, arXiv:1906.04032).

For vectors and tables. A coupling transforms its elements by a monotone spline of `bins` bins,
whose knots and slopes a network predicts from the fixed elements. Each step is

  h = (x + shift) exp(log_scale),   h = h[order] L U
  z = (h_fixed, spline(h_transformed; net(h_fixed)))
  loss = -log p(x),   log p(x) = log N(f(x); 0, I) + log |det df/dx|

Outside [-4, 4] the spline is the identity. `order` rotates the elements by half their number, so
that the linear map swaps the halves; L U learns to mix them.

Departures from the paper: a learned scale and shift in each step, the first set by the first batch;
plain perceptrons, without residual blocks.
"""

import functools

import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.flows._flow import describe, dimension, flow, repeated
from genjax_zoo.nn.conditioner import DenseConditioner
from genjax_zoo.prob.bijectors import (
  Bijector,
  actnorm,
  actnorm_identity,
  chain,
  coupling,
  halves,
  linear,
  linear_identity,
)
from genjax_zoo.prob.univariate import rational_quadratic


def step(params, net: DenseConditioner) -> Bijector:
  """Actnorm, a linear map, and a coupling by splines."""
  dim = len(params["norm"]["shift"])
  swap_halves = jnp.roll(jnp.arange(dim), dim // 2)
  conditioner = lambda fixed: net.apply({"params": params["net"]}, fixed)
  return chain(
    actnorm(params["norm"]),
    linear(params["linear"], swap_halves),
    coupling(halves(), rational_quadratic, conditioner),
  )


def model(
  data,
  *,
  depth: int = 4,
  hidden: tuple[int, ...] = (64, 64),
  bins: int = 8,
  condition: tuple[str, ...] = (),
  dtype: str = "float32",
) -> Model:
  """A spline flow of vectors "x" [D], D > 1: `depth` steps with perceptrons `hidden`, scanned.

  `condition` (a label) as in `_flow`.
  """
  shape = data.get("x", Field((), None)).shape
  if len(shape) != 1:
    raise UserError(f"spline_flow takes vectors x [D]; the data have {describe(data)}")
  dim = dimension(data, "spline_flow")
  fixed = dim // 2
  net = DenseConditioner(hidden, (dim - fixed, 3 * bins - 1), dtype)

  def init(key):
    return {
      "norm": actnorm_identity(dim),
      "linear": linear_identity(dim),
      "net": net.init(key, jnp.zeros((1, fixed)))["params"],
    }

  layer, parts = repeated(init, functools.partial(step, net=net), depth)
  return flow(data, layer, parts, condition=condition)
