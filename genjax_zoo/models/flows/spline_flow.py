"""Neural spline flow: rational-quadratic couplings (Durkan et al. 2019, arXiv:1906.04032), for
points and tables.

A coupling that bends: the numbers it moves go through a monotone spline of `bins` pieces, whose
knots and slopes a network reads from the numbers it keeps. Each step is

  h = (x + shift) exp(log_scale),   h = h[order] L U,   z = (h_kept, spline(h_moved; net(h_kept)))

and the loss -log p(x) of log p(x) = log N(f(x); 0, I) + log |det df/dx|. Outside [-bound, bound]
the spline is the identity. The linear map, its order half a turn, exchanges the halves and learns
to mix them.

Departures: a learnt scale and shift a step, the first set by the first batch; plain perceptrons, no
residual blocks.
"""

import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.flows._flow import flow, shown, steps, vectors
from genjax_zoo.nn.conditioner import DenseConditioner
from genjax_zoo.prob.bijectors import actnorm, chain, coupling, halves, linear
from genjax_zoo.prob.univariate import rational_quadratic


def model(
  data,
  *,
  depth: int = 4,
  hidden: tuple[int, ...] = (64, 64),
  bins: int = 8,
  bound: float = 4.0,
  conditional: bool = False,
  dtype: str = "float32",
) -> Model:
  """A spline flow of vectors "x" [D], D > 1: `depth` steps of perceptrons `hidden`, scanned."""
  shape = data["x"].shape if "x" in data else ()
  if len(shape) != 1:
    raise UserError(f"spline_flow takes vectors x [D]; the data have {shown(data)}")
  dim, kept = vectors(data, "spline_flow"), shape[0] // 2
  net, order = (
    DenseConditioner(hidden, (dim - kept, 3 * bins - 1), dtype),
    jnp.roll(jnp.arange(dim), kept),
  )

  def layer(p):
    conditioner = lambda x: net.apply({"params": p["net"]}, x)
    univariate = lambda params: rational_quadratic(params, bound)
    return chain(
      actnorm(p["norm"]), linear(p["linear"], order), coupling(halves(), univariate, conditioner)
    )

  def initialize(key):
    flat, square = jnp.zeros(dim), jnp.zeros((dim, dim))
    return {
      "norm": {"log_scale": flat, "shift": flat},
      "linear": {"lower": square, "upper": square, "log_diagonal": flat},
      "net": net.init(key, jnp.zeros((1, kept)))["params"],
    }

  return flow(data, *steps(initialize, layer, depth), conditional=conditional)
