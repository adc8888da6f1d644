"""RealNVP: real-valued non-volume-preserving flows (Dinh et al. 2016, arXiv:1605.08803).

An affine coupling scales and shifts one part of x, by networks s and t of the fixed part (eq. 7):

  y_transformed = x_transformed exp(s(x_fixed)) + t(x_fixed),   log |det| = sum s(x_fixed)
  loss = -log p(x),   log p(x) = log N(f(x); 0, I) + log |det df/dx|

Vectors go through `depth` couplings of halves that alternate. Images, mapped to R by a logit (4.1),
go through `scales` scales: three checkerboard couplings, a squeeze of 2 x 2 pixels to channels,
three channel-wise couplings; then half of the channels are factored out and the others go on to the
next scale (3.6). The last scale has four checkerboard couplings.

Departures from the paper: in place of batch normalisation, an actnorm (Glow: a learned scale and
shift) before each coupling, the first set by the first batch. Couplings start as the identity, so
that one actnorm standardises all of them. |s| < 2, by a tanh. No weight normalisation. The logit
has a margin of alpha / 2 at either end.

Errata of the slides: docs/errata.md#realnvp
"""

from collections.abc import Callable
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._form import entry
from genjax_zoo.models.flows._flow import (
  Layer,
  check_halvings,
  describe,
  dimension,
  flow,
  repeated,
)
from genjax_zoo.nn.conditioner import ConvConditioner, DenseConditioner
from genjax_zoo.prob.bijectors import (
  Bijector,
  actnorm,
  actnorm_identity,
  actnorm_init,
  chain,
  checkerboard,
  coupling,
  elementwise,
  factor_out,
  flatten,
  halves,
  permutation,
  repeat,
  squeeze,
)
from genjax_zoo.prob.univariate import affine, logit


def coupling_of_halves(params, net) -> Bijector:
  """Actnorm and a coupling of halves, whose output is reversed: the next one fixes the others."""
  size = len(params["norm"]["shift"])
  conditioner = lambda fixed: net.apply({"params": params["net"]}, fixed)
  return chain(
    actnorm(params["norm"]),
    coupling(halves(), affine, conditioner),
    permutation(jnp.arange(size)[::-1]),
  )


def coupling_of_pixels(params, even, net) -> Bijector:
  """Actnorm and a checkerboard coupling that fixes the even pixels, or the odd ones."""
  conditioner = lambda fixed: net.apply({"params": params["net"]}, fixed)
  return chain(actnorm(params["norm"]), coupling(checkerboard(even), affine, conditioner))


def vectors(dim: int, depth: int, hidden: tuple[int, ...], dtype: str):
  """(Layer, parts) of vectors [B, dim]: `depth` couplings of halves, scanned."""
  fixed = dim // 2
  net = DenseConditioner(hidden, (dim - fixed, 2), dtype)

  def init(key):
    params = net.init(key, jnp.zeros((1, fixed)))["params"]
    return {"net": params, "norm": actnorm_identity(dim)}

  return repeated(init, functools.partial(coupling_of_halves, net=net), depth)


class Group(NamedTuple):
  """Couplings of the same split on images [B, *shape], scanned, whose two parts alternate."""

  split: Callable  # `checkerboard`, or `halves` of the channels.
  shape: tuple[int, int, int]
  depth: int
  net: ConvConditioner


def plan(shape: tuple[int, int, int], scales: int, network: Callable) -> list[list[Group]]:
  """The groups of every scale, for images [B, *shape] (3.6); `network(c)` transforms c channels."""
  h, w, c = shape
  groups = []
  for _ in range(scales - 1):
    pixels = Group(checkerboard, (h, w, c), 3, network(c))
    # After the squeeze; the networks transform half of the channels.
    channels = Group(halves, (h // 2, w // 2, 4 * c), 3, network(2 * c))
    groups.append([pixels, channels])
    # Half of the channels are factored out.
    h, w, c = h // 2, w // 2, 2 * c
  return [*groups, [Group(checkerboard, (h, w, c), 4, network(c))]]


def group_init(group: Group, key) -> dict:
  """The parameters of a group, stacked [depth, ...]."""
  height, width, channels = group.shape
  fixed = channels // 2 if group.split is halves else channels

  def init(key):
    params = group.net.init(key, jnp.zeros((1, height, width, fixed)))["params"]
    return {"net": params, "norm": actnorm_identity(channels)}

  return jax.vmap(init)(jax.random.split(key, group.depth))


def group_bijector(group: Group, params) -> Bijector:
  """The couplings of a group, one after the other."""
  is_even = jnp.arange(group.depth) % 2 == 0

  def layer(p):
    p, even = p
    if group.split is halves:
      return coupling_of_halves(p, group.net)
    return coupling_of_pixels(p, even, group.net)

  return repeat(layer, (params, is_even))


def multiscale(groups: list[list[Group]], params: list) -> Bijector:
  """The flow from the first scale on, images to vectors [B, D] (figure 4b)."""
  bijectors = [group_bijector(group, p) for group, p in zip(groups[0], params[0])]
  shape = groups[0][-1].shape
  if len(groups) == 1:
    return chain(*bijectors, flatten(shape))
  pixels, channels = bijectors
  rest = multiscale(groups[1:], params[1:])
  return chain(pixels, squeeze(), channels, factor_out(rest, shape))


def images(groups: list[list[Group]]) -> Layer:
  """The flow of images [B, H, W, C] in [0, 1)."""
  to_line = elementwise(logit())

  def init(key, x):
    keys = iter(jax.random.split(key, 2 * len(groups)))
    params = [[group_init(group, next(keys)) for group in scale] for scale in groups]
    y, _ = to_line.forward_and_log_det(x)
    return {"first": actnorm_init(y), "scales": params}

  def bijector(params):
    return chain(to_line, actnorm(params["first"]), multiscale(groups, params["scales"]))

  return Layer(init, bijector)


def model(
  data,
  *,
  depth: int = 8,
  hidden: tuple[int, ...] = (64, 64),
  scales: int = 2,
  width: int = 64,
  blocks: int = 4,
  condition: tuple[str, ...] = (),
  dequantization: str = "uniform",
  dtype: str = "float32",
) -> Model:
  """A RealNVP of vectors "x" [D] (`depth`, `hidden`) or of "image" [H, W, C] (the others).

  Vectors: `depth` couplings, their networks perceptrons with layers `hidden`. Images: `scales`
  scales, the networks `blocks` residual blocks of `width` channels. `condition` (a label) and
  `dequantization` ("uniform" or "variational") as in `_flow`. Raises UserError for other data, and
  where the squeezes don't divide the image.
  """
  field = entry(data)[1]
  options = dict(condition=condition, dequantization=dequantization)
  if len(field.shape) == 1:
    layer, parts = vectors(dimension(data, "realnvp"), depth, hidden, dtype)
    return flow(data, layer, parts, **options)
  if len(field.shape) != 3 or not field.num_values:
    raise UserError(
      f"realnvp takes vectors x [D] or integer images [H, W, C]; the data have {describe(data)}"
    )
  check_halvings(f"model.scales={scales}", field.shape, scales - 1)
  network = lambda channels: ConvConditioner(width, blocks, (channels, 2), dtype)
  return flow(data, images(plan(field.shape, scales, network)), **options)
