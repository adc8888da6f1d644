"""Masked autoregressive flow (Papamakarios et al. 2017, arXiv:1705.07057), or inverse (Kingma et
al. 2016).

Each step scales and shifts a number by what a masked network says of the numbers before it; between
steps the order is reversed:

  z_d = x_d exp(s_d) + t_d,   (s_d, t_d) = net(x_1 .. x_d-1)_d,   log |det| = sum_d s_d
  loss = -log p(x),   log p(x) = log N(f(x); 0, I) + log |det df/dx|

A Gaussian of each number given those before it, whose noise the next step models in turn. f is one
pass, its inverse D passes, one number after the other: densities are fast and samples slow. With
`inverse` (IAF, arXiv:1606.04934) the step goes from the latents to the data instead, (s_d, t_d) =
net(z_1 .. z_d-1)_d: samples are fast, and densities of data, training too, slow. Before each step a
batch norm (appendix B), of the batch in training and of its past after that.

Departures: couplings' s in [-2, 2] and networks that start at zero; past moments are running
averages, not those of the whole training set. Images go through a logit, as in RealNVP.
"""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model
from genjax_zoo.models.flows._flow import flow, vectors
from genjax_zoo.nn.masked import MaskedMLP, draw_degrees
from genjax_zoo.prob.bijectors import (
  autoregressive,
  batch_norm,
  chain,
  elementwise,
  flatten,
  inverse as inverted,
  observe,
  path,
  permutation,
  repeat,
)
from genjax_zoo.prob.univariate import affine, logit


def model(
  data,
  *,
  depth: int = 5,
  hidden: tuple[int, ...] = (128, 128),
  inverse: bool = False,
  alpha: float = 0.05,
  conditional: bool = False,
  dequantization: str = "uniform",
  seed: int = 0,
  dtype: str = "float32",
) -> Model:
  """A MAF, or an IAF if `inverse`, of "image" or "x": `depth` masked perceptrons `hidden`, masks
  drawn by `seed`.

  `alpha` is that of the images' logit; `conditional` and `dequantization` ("uniform",
  "variational") as in `_flow`.
  """
  dim = vectors(data, "maf")
  shape, _, levels = data["image" if "image" in data else "x"][:3]
  net = MaskedMLP(hidden, 2, direct=False, zero=True, dtype=dtype)
  degrees = draw_degrees(np.random.default_rng(seed), dim, hidden, raster=True)
  reverse, first = (
    jnp.arange(dim)[::-1],
    [flatten(shape)] + ([elementwise(logit(alpha))] if levels else []),
  )

  def layer(p, moments):
    step = autoregressive(affine, lambda x: net.apply({"params": p["net"]}, x, degrees))
    return chain(
      batch_norm(p["norm"], moments), inverted(step) if inverse else step, permutation(reverse)
    )

  def initialize(key, x):
    step = lambda key: net.init(key, jnp.zeros((1, dim)), degrees)["params"]
    flat = jnp.zeros((depth, dim))
    return {
      "net": jax.vmap(step)(jax.random.split(key, depth)),
      "norm": {"log_scale": flat, "shift": flat},
    }

  def known(params):
    """The layers' function, and what it takes of the params and moments."""
    return lambda p: layer(*p), ({k: params[k] for k in ("net", "norm")}, params["moments"])

  def train(params, x):
    h, change = chain(*first).forward_and_log_det(x)
    z, log_det, moments = observe(layer, {k: params[k] for k in ("net", "norm")}, h)
    return z, log_det + change, moments

  def points(params, state, z):
    return jnp.concatenate([z[None], path(*known(params | state), z)[::-1]])

  parts = {} if levels else {"warp": points}
  options = dict(conditional=conditional, dequantization=dequantization, observe=train)
  return flow(
    data, initialize, lambda params: chain(*first, repeat(*known(params))), parts, **options
  )
