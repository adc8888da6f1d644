"""Masked autoregressive flow (Papamakarios et al. 2017, arXiv:1705.07057), or its inverse, IAF.

Each step scales and shifts an element by a masked network of the elements before it; between steps
the order is reversed:

  z_d = x_d exp(s_d) + t_d,   (s_d, t_d) = net(x_1 .. x_d-1)_d,   log |det| = sum_d s_d
  loss = -log p(x),   log p(x) = log N(f(x); 0, I) + log |det df/dx|

A step is a Gaussian of each element given those before it, and the next step models its noise. f is
one pass, its inverse D passes, one element after the other: fast densities, slow samples. With
`inverse` (Kingma et al. 2016, arXiv:1606.04934) steps go from latents to data instead, (s_d, t_d) =
net(z_1 .. z_d-1)_d: fast samples, slow densities, and slow training, which needs them. Before each
step comes a batch norm (appendix B), with the moments of the batch in training and running averages
in evaluation.

Departures from the paper: |s| < 2, by a tanh, and networks that start at zero; running averages of
moments, not those of the whole training set. Images go through a logit, as in RealNVP.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model
from genjax_zoo.models._form import entry
from genjax_zoo.models.flows._flow import Layer, dimension, flow
from genjax_zoo.nn.masked import MaskedMLP, draw_degrees
from genjax_zoo.prob.bijectors import (
  Bijector,
  actnorm_identity,
  autoregressive,
  batch_norm,
  chain,
  elementwise,
  flatten,
  forward_with_batch_moments,
  inverse_path,
  invert,
  permutation,
  repeat,
)
from genjax_zoo.prob.univariate import affine, logit


def step(params, moments, net: MaskedMLP, degrees: list, inverse: bool) -> Bijector:
  """Batch norm, a masked autoregressive layer (inverted for IAF), and the order reversed."""
  dim = len(degrees[0])
  conditioner = lambda x: net.apply({"params": params["net"]}, x, degrees)
  layer = autoregressive(affine, conditioner)
  return chain(
    batch_norm(params["norm"], moments),
    invert(layer) if inverse else layer,
    permutation(jnp.arange(dim)[::-1]),
  )


def model(
  data,
  *,
  depth: int = 5,
  hidden: tuple[int, ...] = (128, 128),
  inverse: bool = False,
  condition: tuple[str, ...] = (),
  dequantization: str = "uniform",
  dtype: str = "float32",
) -> Model:
  """A MAF, or an IAF if `inverse`, of "image" or "x": `depth` masked perceptrons `hidden`.

  `condition` (a label) and `dequantization` ("uniform", "variational") as in `_flow`.
  """
  dim = dimension(data, "maf")
  field = entry(data)[1]
  net = MaskedMLP(hidden, 2, direct=False, zero=True, dtype=dtype)
  degrees = draw_degrees(np.random.default_rng(0), dim, hidden, raster=True)
  layer = functools.partial(step, net=net, degrees=degrees, inverse=inverse)
  to_line = [elementwise(logit())] if field.num_values else []
  first = chain(flatten(field.shape), *to_line)

  def init(key, x):
    def one(key):
      params = net.init(key, jnp.zeros((1, dim)), degrees)["params"]
      return {"net": params, "norm": actnorm_identity(dim)}

    return jax.vmap(one)(jax.random.split(key, depth))

  def stacked(params):
    """The layers' parameters, without those of the prior and the dequantization."""
    return {"net": params["net"], "norm": params["norm"]}

  def bijector(params):
    steps = repeat(lambda p: layer(*p), (stacked(params), params["moments"]))
    return chain(first, steps)

  def train(params, x):
    h, change = first.forward_and_log_det(x)
    z, log_det, moments = forward_with_batch_moments(layer, stacked(params), h)
    return z, log_det + change, moments

  def warp(params, state, z):
    path = inverse_path(lambda p: layer(*p), (stacked(params), state["moments"]), z)
    return jnp.concatenate([z[None], path[::-1]])

  parts = {} if field.num_values else {"warp": warp}
  options = dict(condition=condition, dequantization=dequantization)
  made = flow(data, Layer(init, bijector, train), parts, **options)
  # Each of the `depth` networks is evaluated once for each of the D elements, IAF's only once.
  return made._replace(calls=lambda **options: 1 if inverse else dim)
