"""Glow: generative flow with invertible 1 x 1 convolutions (Kingma & Dhariwal 2018, 1807.03039).

A step of flow normalises each channel (actnorm), mixes the channels by a learned matrix W, which
generalises RealNVP's fixed permutations, and transforms half of the channels given the other half:

  h = (x + shift) exp(log_scale),   h = h W,
  z = (h_fixed, univariate(h_transformed; net(h_fixed)))
  log |det| = H W (sum log_scale + log |det W|) + the coupling's
  loss = -log p(x),   log p(x) = log N(f(x); 0, I) + log |det df/dx|

W = R L U, with R a fixed rotation, makes log |det W| the sum of U's log diagonal (eq. 11).

Each of `scales` scales (the paper's L) squeezes 2 x 2 pixels to channels and takes `depth` steps
(the paper's K), scanned: compile time does not grow with depth. Then half of the channels are
factored out, as a Gaussian given the other half, whose mean and scale a 3 x 3 convolution predicts
(as in the paper's code).

Flow++ (Ho et al. 2019, arXiv:1902.00275, without its attention) is `coupling="mixture"`, couplings
by the CDF of a mixture of logistics, with `dequantization="variational"`.

Departures from the paper: RealNVP's logit comes first. |s| < 2, by a tanh; the code's
sigmoid(s + 2) contracts at first. A rotation for the paper's permutation P, so that L and U start
as the identity and U's diagonal is positive. No actnorm or learned scales inside the networks, and
no learned mean and scale of the last latents ("learntop" of the code).

Errata of the slides: docs/errata.md#glow
"""

from collections.abc import Callable
import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.flows._flow import Layer, check_halvings, choose, describe, flow
from genjax_zoo.nn.conv import Conv
from genjax_zoo.prob.bijectors import (
  Bijector,
  actnorm,
  actnorm_init,
  chain,
  coupling,
  elementwise,
  factor_out,
  flatten,
  halves,
  init_from_data,
  linear,
  linear_identity,
  repeat,
  rotation,
  squeeze,
)
from genjax_zoo.prob.univariate import affine, logit, mixture_of_logistics

COMPONENTS = 8  # Of a mixture of logistics.


class Univariate(NamedTuple):
  """A family of univariate maps, and how many parameters one has."""

  map: Callable
  num_params: int


UNIVARIATE = {
  "affine": Univariate(affine, 2),
  "mixture": Univariate(mixture_of_logistics, 3 * COMPONENTS + 2),
}


class Network(nn.Module):
  """Images [B, H, W, C] -> params [B, H, W, *shape], zero at first.

  Convolutions of 3 x 3, 1 x 1 and 3 x 3 with ReLUs between them; width 0: the last one alone.
  """

  width: int
  shape: tuple[int, int]
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    if self.width:
      x = nn.relu(Conv(self.width, (3, 3), dtype=self.dtype)(x))
      x = nn.relu(Conv(self.width, (1, 1), dtype=self.dtype)(x))
    size = math.prod(self.shape)
    x = Conv(size, (3, 3), kernel_init=nn.initializers.zeros, dtype=jnp.float32)(x)
    return x.reshape(*x.shape[:-1], *self.shape)


class Scale(NamedTuple):
  """One scale: what its functions need beside its parameters {"steps": [depth, ...], "last"}."""

  shape: tuple[int, int, int]  # Of images after the squeeze.
  net: Network  # Of the couplings.
  univariate: Callable
  rotations: np.ndarray  # [depth, C, C]
  last: Network  # Of the Gaussian of the channels that are factored out.


def make_scales(shape, scales: int, depth: int, width: int, coupling: str, dtype) -> list[Scale]:
  """The scales of a flow of images [B, *shape]."""
  rng = np.random.default_rng(0)
  univariate = UNIVARIATE[coupling]
  height, wide, channels = shape
  made = []
  for i in range(1, scales + 1):
    # Each scale halves the sides; it squeezes by 4 and passes on half of the channels.
    c = channels * 2 ** (i + 1)
    transformed = c - c // 2
    made.append(
      Scale(
        shape=(height // 2**i, wide // 2**i, c),
        net=Network(width, (transformed, univariate.num_params), dtype),
        univariate=univariate.map,
        rotations=np.linalg.qr(rng.normal(size=(depth, c, c)))[0].astype("f4"),
        last=Network(0, (transformed, 2)),
      )
    )
  return made


def step(params, R, scale: Scale) -> Bijector:
  """A step of flow (figure 2a): actnorm, invertible 1 x 1 convolution W = R L U, coupling."""
  conditioner = lambda fixed: scale.net.apply({"params": params["net"]}, fixed)
  return chain(
    actnorm(params["norm"]),
    rotation(R),
    linear(params["mix"], jnp.arange(scale.shape[-1])),
    coupling(halves(), scale.univariate, conditioner),
  )


def step_init(key, x, scale: Scale) -> dict:
  """The parameters of a step whose actnorm standardises its input x; L = U = I, the coupling 0."""
  channels = scale.shape[-1]
  return {
    "norm": actnorm_init(x),
    "mix": linear_identity(channels),
    "net": scale.net.init(key, x[:1, ..., : channels // 2])["params"],
  }


def steps(params, scale: Scale) -> Bijector:
  """All steps of a scale, scanned."""
  return repeat(lambda p: step(*p, scale), (params, scale.rotations))


def steps_init(key, x, scale: Scale):
  """(params [depth, ...], y): each step is initialised on the output of those before it."""

  def init(seed, x):
    key, R = seed
    return step_init(key, x, scale), R

  seeds = jax.random.split(key, len(scale.rotations)), scale.rotations
  (params, _), y = init_from_data(lambda p: step(*p, scale), init, seeds, x)
  return params, y


def multiscale(params: list, scales: list[Scale]) -> Bijector:
  """The flow from the first of `scales` on, images to vectors [B, D] (figure 2b)."""
  scale = scales[0]
  through = chain(squeeze(), steps(params[0]["steps"], scale))
  if len(scales) == 1:
    return chain(through, flatten(scale.shape))
  # z of the half that is factored out is standard normal given the half that goes on.
  net = lambda fixed: scale.last.apply({"params": params[0]["last"]}, fixed)
  gaussian = coupling(halves(fixed_first=False), affine, net)
  return chain(through, gaussian, factor_out(multiscale(params[1:], scales[1:]), scale.shape))


def multiscale_init(key, x, scales: list[Scale]) -> list:
  """The parameters of `multiscale`, fitted to images x [B, H, W, C]."""
  params = []
  for i, scale in enumerate(scales):
    k_steps, k_last, key = jax.random.split(key, 3)
    x, _ = squeeze().forward_and_log_det(x)
    p, x = steps_init(k_steps, x, scale)
    x = x[..., scale.shape[-1] // 2 :]
    params.append({"steps": p})
    if i < len(scales) - 1:
      params[i]["last"] = scale.last.init(k_last, x[:1])["params"]
  return params


def images(scales: list[Scale]) -> Layer:
  """The flow of images [B, H, W, C] in [0, 1)."""
  to_line = elementwise(logit())

  def init(key, x):
    y, _ = to_line.forward_and_log_det(x)
    # "levels" is the paper's name, and that of checkpoints.
    return {"levels": multiscale_init(key, y, scales)}

  def bijector(params):
    return chain(to_line, multiscale(params["levels"], scales))

  return Layer(init, bijector)


def model(
  data,
  *,
  scales: int = 2,
  depth: int = 8,
  width: int = 64,
  coupling: str = "affine",
  condition: tuple[str, ...] = (),
  dequantization: str = "uniform",
  dtype: str = "float32",
) -> Model:
  """A Glow of "image" [H, W, C]: `scales` scales of `depth` steps, networks of `width` channels.

  `coupling` is "affine" or "mixture"; `condition` (a label) and `dequantization` ("uniform" or
  "variational") as in `_flow`. Raises UserError for other data, and where the squeezes don't divide
  the image.
  """
  field = data.get("image", Field((), None))
  if len(field.shape) != 3 or not field.num_values:
    raise UserError(f"glow takes integer images [H, W, C]; the data have {describe(data)}")
  check_halvings(f"model.scales={scales}", field.shape, scales)
  choose("coupling", coupling, UNIVARIATE)
  layer = images(make_scales(field.shape, scales, depth, width, coupling, dtype))
  return flow(data, layer, condition=condition, dequantization=dequantization)
