"""NICE: non-linear independent components estimation (Dinh et al. 2014, arXiv:1410.8516).

The first coupling flow. The elements of x are split by even and odd index, and each half in turn is
shifted by a network of the other. Such couplings preserve volume, their Jacobian has determinant 1;
so the last layer scales every element:

  h_transformed = x_transformed + net_i(x_fixed)   for each coupling i,   z = exp(log_scale) h
  log p(x) = sum log logistic(z) + sum log_scale
  loss = -log p(x)

Departures from the paper: the networks' last layers start at zero, every coupling as the identity.
Their shifts are in units of the last layer's scales: otherwise a border pixel, of scale 1,000,
would be moved far by every update of their weights. The first batch sets those scales, and a shift,
by the mean absolute deviation: the standard deviation of a pixel that is lit once in a hundred
images describes that one image alone. Adam with its usual betas (the paper's were worse); no ZCA
whitening of natural images.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model
from genjax_zoo.models._form import entry
from genjax_zoo.models.flows._flow import Layer, dimension, flow
from genjax_zoo.nn.conditioner import DenseConditioner
from genjax_zoo.prob.bijectors import (
  Bijector,
  actnorm,
  actnorm_init,
  chain,
  coupling,
  flatten,
  halves,
  permutation,
)
from genjax_zoo.prob.univariate import additive


def scale_init(h, prior: str) -> dict:
  """Parameters of an `actnorm` that gives h [B, D] the centre and the width of the prior."""
  if prior == "normal":
    return actnorm_init(h)
  median = jnp.median(h, 0)
  mean_deviation = jnp.abs(h - median[None]).mean(0)
  # A logistic variable has the mean absolute deviation 2 log 2. 1e-6: constant pixels have none.
  log_scale = math.log(2 * math.log(2)) - jnp.log(mean_deviation + 1e-6)
  return {"shift": -median, "log_scale": log_scale}


def additive_coupling(params, i: int, net: DenseConditioner, log_scale) -> Bijector:
  """The i-th coupling: it shifts one half by the network's output times 1 / exp(log_scale [D])."""
  half = len(log_scale) // 2
  unit = jnp.exp(-log_scale)
  # Even couplings transform the second half, odd ones the first.
  unit = unit[half:] if i % 2 == 0 else unit[:half]

  def shift(fixed):
    return net.apply({"params": params}, fixed) * unit[None, :, None]

  return coupling(halves(fixed_first=i % 2 == 0), additive, shift)


def model(
  data,
  *,
  hidden: tuple[int, ...] = (1000,) * 5,
  couplings: int = 4,
  prior: str = "logistic",
  condition: tuple[str, ...] = (),
  dequantization: str = "uniform",
  dtype: str = "float32",
) -> Model:
  """A NICE of "image" or "x" with `couplings` couplings, their networks perceptrons `hidden`.

  `prior` ("logistic" or "normal"), `condition` (a label) and `dequantization` ("uniform" or
  "variational") as in `_flow`.
  """
  dim = dimension(data, "nice")
  shape = entry(data)[1].shape
  even_then_odd = np.r_[0:dim:2, 1:dim:2]
  half = dim // 2
  transformed = [dim - half if i % 2 == 0 else half for i in range(couplings)]
  nets = [DenseConditioner(hidden, (size, 1), dtype) for size in transformed]

  def bijector(params):
    log_scale = params["scale"]["log_scale"]
    layers = [additive_coupling(params["nets"][i], i, nets[i], log_scale) for i in range(couplings)]
    return chain(flatten(shape), permutation(even_then_odd), *layers, actnorm(params["scale"]))

  def init(key, x):
    h = x.reshape(len(x), -1)[:, even_then_odd]
    keys = jax.random.split(key, couplings)
    params = [
      nets[i].init(keys[i], h[:1, : dim - transformed[i]])["params"] for i in range(couplings)
    ]
    return {"nets": params, "scale": scale_init(h, prior)}

  layer = Layer(init, bijector)
  return flow(data, layer, prior=prior, condition=condition, dequantization=dequantization)
