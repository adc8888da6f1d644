"""RealNVP: real-valued non-volume-preserving flows (Dinh, Sohl-Dickstein & Bengio 2016,
arXiv:1605.08803).

A coupling that scales as well as shifts (eq. 7), with networks s and t of the numbers it keeps:

  y_moved = x_moved exp(s(x_kept)) + t(x_kept),   log |det| = sum s
  loss = -log p(x),   log p(x) = log N(f(x); 0, I) + log |det df/dx|

Vectors go through `depth` couplings of halves that change places. Images, mapped to the line by a
logit (4.1), go through scales: three checkerboard couplings, a squeeze of 2 x 2 pixels to channels,
three couplings of channels; then half of the numbers are done and the others go on to the next
scale (3.6). The last scale has four checkerboards.

Departures: in place of batch normalisation, a learnt scale and shift before each coupling, the
first set by the first batch (actnorm, Glow): couplings start as the identity, so that one
normalises all. s is held in [-bound, bound]. No weight normalisation. The logit has a margin of
alpha / 2 at either end.

The deck (D, line 218) takes triangular Jacobians for the only cheap determinants; see
`bijectors.linear` for another.
"""

import math

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.flows._flow import flow, shown, steps, vectors
from genjax_zoo.nn.conditioner import ConvConditioner, DenseConditioner
from genjax_zoo.prob.bijectors import (
  actnorm,
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


def identity(channels: int) -> dict:
  """The parameters of an `actnorm` that changes nothing."""
  return {"log_scale": jnp.zeros(channels), "shift": jnp.zeros(channels)}


def points(dim, depth, hidden, bound, dtype):
  """The flow of vectors [B, dim]: `depth` affine couplings of halves, scanned."""
  kept = dim // 2
  net, reverse = DenseConditioner(hidden, (dim - kept, 2), dtype), jnp.arange(dim)[::-1]

  def layer(p):
    conditioner = lambda x: net.apply({"params": p["net"]}, x)
    univariate = lambda params: affine(params, bound)
    return chain(
      actnorm(p["norm"]), coupling(halves(), univariate, conditioner), permutation(reverse)
    )

  def initialize(key):
    return {"net": net.init(key, jnp.zeros((1, kept)))["params"], "norm": identity(dim)}

  return steps(initialize, layer, depth)


def plan(shape, scales):
  """The couplings of an image flow, a list for each scale of (split, shape of the image, how many)."""
  (h, w, c), found = shape, []
  for _ in range(scales - 1):
    found.append([(checkerboard, (h, w, c), 3), (halves, (h // 2, w // 2, 4 * c), 3)])
    h, w, c = h // 2, w // 2, 2 * c
  return [*found, [(checkerboard, (h, w, c), 4)]]


def alternating(split, shape, depth, width, blocks, bound, dtype):
  """(initialize, bijector) of `depth` couplings of images [B, *shape], scanned, whose two parts
  change places.
  """
  c = shape[-1]
  kept, moved = (c // 2, c - c // 2) if split is halves else (c, c)
  net, reverse = ConvConditioner(width, blocks, (moved, 2), dtype), jnp.arange(c)[::-1]

  def layer(p):
    p, even = p
    conditioner = lambda x: net.apply({"params": p["net"]}, x)
    univariate = lambda params: affine(params, bound)
    if split is halves:
      step = coupling(halves(), univariate, conditioner), permutation(reverse)
    else:
      step = (coupling(checkerboard(even), univariate, conditioner),)
    return chain(actnorm(p["norm"]), *step)

  def initialize(key):
    one = lambda key: {
      "net": net.init(key, jnp.zeros((1, *shape[:-1], kept)))["params"],
      "norm": identity(c),
    }
    return jax.vmap(one)(jax.random.split(key, depth))

  return initialize, lambda params: repeat(layer, (params, jnp.arange(depth) % 2 == 0))


def images(shape, scales, width, blocks, bound, alpha, dtype):
  """(initialize, bijector) of images [B, H, W, C] in [0, 1)."""
  planned, first = plan(shape, scales), elementwise(logit(alpha))
  groups = [
    [alternating(*group, width, blocks, bound, dtype) for group in of_scale] for of_scale in planned
  ]

  def scale(params, i):
    """The flow from the i-th scale on, to vectors."""
    steps, shape = [through(p) for p, (_, through) in zip(params[i], groups[i])], planned[i][-1][1]
    if i == len(groups) - 1:
      return chain(*steps, flatten(shape))
    return chain(steps[0], squeeze(), steps[1], factor_out(scale(params, i + 1), shape))

  def initialize(key, x):
    keys = iter(jax.random.split(key, 2 * scales))
    steps = [[init(next(keys)) for init, _ in of_scale] for of_scale in groups]
    return {"first": actnorm_init(first.forward_and_log_det(x)[0]), "scales": steps}

  return initialize, lambda params: chain(
    first, actnorm(params["first"]), scale(params["scales"], 0)
  )


def model(
  data,
  *,
  depth: int = 8,
  hidden: tuple[int, ...] = (64, 64),
  bound: float = 2.0,
  scales: int = 2,
  width: int = 64,
  blocks: int = 4,
  alpha: float = 0.05,
  conditional: bool = False,
  dequantization: str = "uniform",
  dtype: str = "float32",
) -> Model:
  """A RealNVP of vectors "x" [D], with `depth` perceptrons `hidden`, or of "image" [H, W, C].

  |s| < `bound`. Images have `scales` scales and networks of `blocks` residual blocks of `width`
  channels; `alpha` is that of the logit. `conditional` and `dequantization` ("uniform" or
  "variational") as in `_flow`. Raises UserError for one number an example, and where the squeezes
  don't divide the image.
  """
  shape, _, levels = data["image" if "image" in data else "x"][:3]
  options = dict(conditional=conditional, dequantization=dequantization)
  if len(shape) == 1:
    return flow(data, *points(vectors(data, "realnvp"), depth, hidden, bound, dtype), **options)
  if len(shape) != 3 or not levels:
    raise UserError(
      f"realnvp takes vectors x [D] or integer images [H, W, C]; the data have {shown(data)}"
    )
  if shape[0] % 2 ** (scales - 1) or shape[1] % 2 ** (scales - 1):
    most = 1 + max(n for n in range(9) if math.gcd(*shape[:2]) % 2**n == 0)
    raise UserError(
      f"model.scales={scales} halves {shape[0]} x {shape[1]} images {scales - 1} times: {most} at most"
    )
  return flow(data, *images(shape, scales, width, blocks, bound, alpha, dtype), **options)
