"""NICE: non-linear independent components estimation (Dinh, Krueger & Bengio 2014,
arXiv:1410.8516).

The first coupling flow. The numbers are split in two, by even and odd index, and each half in turn
is shifted by what a network says of the other. That moves probability and never concentrates it,
the Jacobian has determinant 1; so the last layer scales every number:

  h_moved = x_moved + net_i(x_kept)   for each of the couplings,   z = exp(log_scale) h
  log p(x) = sum log logistic(z) + sum log_scale
  loss = -log p(x)

Departures: the networks' last layers start at zero, so every coupling at the identity. Their shifts
are in units of the last layer's scales: a border pixel, of scale 1,000, would feel every step of
its weights. The first batch sets those scales, and a shift, by the mean absolute deviation: a pixel
that is lit once in a hundred images has a standard deviation that says nothing of the others. Adam
as it is (the paper's betas hurt); no ZCA whitening of natural images.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model
from genjax_zoo.models.flows._flow import flow, vectors
from genjax_zoo.nn.conditioner import DenseConditioner
from genjax_zoo.prob.bijectors import (
  actnorm,
  actnorm_init,
  chain,
  coupling,
  flatten,
  halves,
  permutation,
)
from genjax_zoo.prob.univariate import additive


def standard(h, prior: str) -> dict:
  """The parameters of an `actnorm` that gives h [B, D] the mean (the median) and the width of the
  prior.
  """
  if prior == "normal":
    return actnorm_init(h)
  middle = jnp.median(h, 0)
  return {
    "shift": -middle,
    "log_scale": math.log(2 * math.log(2)) - jnp.log(jnp.abs(h - middle[None]).mean(0) + 1e-6),
  }


def model(
  data,
  *,
  hidden: tuple[int, ...] = (1000,) * 5,
  couplings: int = 4,
  prior: str = "logistic",
  conditional: bool = False,
  dequantization: str = "uniform",
  dtype: str = "float32",
) -> Model:
  """A NICE of "image" or "x" with `couplings` perceptrons of widths `hidden`.

  `prior` ("logistic" or "normal"), `conditional` and `dequantization` ("uniform" or "variational")
  as in `_flow`.
  """
  dim, shape = vectors(data, "nice"), data["image" if "image" in data else "x"].shape
  order = np.r_[0:dim:2, 1:dim:2]
  # So many numbers each coupling moves.
  sizes = [(dim - dim // 2, dim // 2)[i % 2] for i in range(couplings)]
  nets = [DenseConditioner(hidden, (size, 1), dtype) for size in sizes]

  def bijector(params):
    unit = jnp.exp(-params["scale"]["log_scale"])
    moved = unit[dim // 2 :], unit[: dim // 2]  # By even couplings, by odd ones.
    net = lambda i: (
      lambda kept: nets[i].apply({"params": params["nets"][i]}, kept) * moved[i % 2][None, :, None]
    )
    layers = [coupling(halves(i % 2 == 0), additive, net(i)) for i in range(couplings)]
    return chain(flatten(shape), permutation(order), *layers, actnorm(params["scale"]))

  def initialize(key, x):
    h = x.reshape(len(x), -1)[:, order]
    keys = jax.random.split(key, couplings)
    params = [net.init(k, h[:1, : dim - size])["params"] for net, k, size in zip(nets, keys, sizes)]
    return {"nets": params, "scale": standard(h, prior)}

  return flow(
    data, initialize, bijector, prior=prior, conditional=conditional, dequantization=dequantization
  )
