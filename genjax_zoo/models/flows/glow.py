"""Glow: generative flow with invertible 1 x 1 convolutions (Kingma & Dhariwal 2018,
arXiv:1807.03039).

A step normalises each channel (actnorm), mixes the channels by a learnt matrix W, which generalises
RealNVP's fixed permutations, and moves half of them by what a network says of the others:

  h = (x + shift) exp(log_scale),   h = h W,   z = (h_kept, univariate(h_moved; net(h_kept)))
  log |det| = H W (sum log_scale + log |det W|) + the coupling's
  loss = -log p(x),   log p(x) = log N(f(x); 0, I) + log |det df/dx|

W = R L U, R a fixed rotation, makes log |det W| the sum of U's log diagonal (eq. 11). Each of
`levels` levels squeezes 2 x 2 pixels to channels and takes `depth` steps, scanned: they compile
once, however many. Then half of the channels are done, after one more coupling, a 3 x 3 convolution
of the others: a Gaussian of these given those, as in the code.

With `coupling="mixture"` the numbers moved go through the distribution function of a mixture of
logistics instead (Flow++, Ho et al. 2019, arXiv:1902.00275, without its attention); that and
`dequantization="variational"` are Flow++.

Departures: the logit of RealNVP before all else; s is held in [-2, 2] by a tanh, the code's
sigmoid(s + 2) shrinks at first; a rotation for the paper's permutation P, so that L and U start as
the identity and U's diagonal is positive; no actnorm or learnt scales inside the networks, and no
learnt mean and scale of the last latents ("learntop" of the code).

The deck (D, line 218) takes triangular Jacobians for the only cheap determinants; W's is full, and
as cheap.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError, nearest
from genjax_zoo.models.flows._flow import flow, shown
from genjax_zoo.nn.conv import Conv
from genjax_zoo.prob import bijectors as b
from genjax_zoo.prob.univariate import affine, logit, mixture_of_logistics

# And parameters of each number.
UNIVARIATE = {"affine": (affine, 2), "mixture": (mixture_of_logistics, 3 * 8 + 2)}


class Network(nn.Module):
  """Images [B, H, W, C] -> params [B, H, W, *shape], zero at first: 3 x 3, 1 x 1 and 3 x 3
  convolutions.
  """

  width: int
  shape: tuple[int, int]
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    if self.width:
      x = nn.relu(Conv(self.width, (3, 3), dtype=self.dtype)(x))
      x = nn.relu(Conv(self.width, (1, 1), dtype=self.dtype)(x))
    x = Conv(math.prod(self.shape), (3, 3), kernel_init=nn.initializers.zeros, dtype=jnp.float32)(x)
    return x.reshape(*x.shape[:-1], *self.shape)


def steps(c, depth, width, coupling, rng, dtype):
  """(initialize, bijector) of the `depth` steps of a level, of images of c channels; `initialize`
  gives (params, y).
  """
  univariate, K = UNIVARIATE[coupling]
  net, kept = Network(width, (c - c // 2, K), dtype), c // 2
  rotations = np.linalg.qr(rng.normal(size=(depth, c, c)))[0].astype("f4")

  def layer(p):
    p, r = p
    rotate = b.rearrange(lambda x: x @ r.astype(x.dtype), lambda y: y @ r.T.astype(y.dtype))
    conditioner = lambda x: net.apply({"params": p["net"]}, x)
    mix = b.linear(p["mix"], jnp.arange(c))
    return b.chain(
      b.actnorm(p["norm"]), rotate, mix, b.coupling(b.halves(), univariate, conditioner)
    )

  def first(seed, x):
    key, r = seed
    mix = {"lower": jnp.zeros((c, c)), "upper": jnp.zeros((c, c)), "log_diagonal": jnp.zeros(c)}
    return {
      "norm": b.actnorm_init(x),
      "mix": mix,
      "net": net.init(key, x[:1, ..., :kept])["params"],
    }, r

  def initialize(key, x):
    (params, _), y = b.grow(layer, first, (jax.random.split(key, depth), rotations), x)
    return params, y

  return initialize, lambda params: b.repeat(layer, (params, rotations))


def images(shape, levels, depth, width, coupling, alpha, seed, dtype):
  """(initialize, bijector) of images [B, H, W, C] in [0, 1)."""
  rng, (height, wide, c) = np.random.default_rng(seed), shape
  # Squeezed.
  shapes = [(height // 2**i, wide // 2**i, 2 ** (i + 1) * c) for i in range(1, levels + 1)]
  parts = [steps(c, depth, width, coupling, rng, dtype) for _, _, c in shapes]
  lasts = [Network(0, (c - c // 2, 2)) for _, _, c in shapes]
  start = b.elementwise(logit(alpha))

  def initialize(key, x):
    params, x = [], start.forward_and_log_det(x)[0]
    for i, (_, _, c) in enumerate(shapes):
      k_steps, k_last, key = jax.random.split(key, 3)
      found, x = parts[i][0](k_steps, b.squeeze().forward_and_log_det(x)[0])
      x = x[..., c // 2 :]
      params.append(
        {"steps": found}
        | ({"last": lasts[i].init(k_last, x[:1])["params"]} if i < levels - 1 else {})
      )
    return {"levels": params}

  def level(params, i):
    """The flow from the i-th level on, to vectors."""
    through = b.chain(b.squeeze(), parts[i][1](params[i]["steps"]))
    if i == levels - 1:
      return b.chain(through, b.flatten(shapes[i]))
    net = lambda rest: lasts[i].apply({"params": params[i]["last"]}, rest)
    done = b.coupling(b.halves(False), affine, net)  # The half that is done, given the other.
    return b.chain(through, done, b.factor_out(level(params, i + 1), shapes[i]))

  return initialize, lambda params: b.chain(start, level(params["levels"], 0))


def model(
  data,
  *,
  levels: int = 2,
  depth: int = 8,
  width: int = 64,
  coupling: str = "affine",
  alpha: float = 0.05,
  conditional: bool = False,
  dequantization: str = "uniform",
  seed: int = 0,
  dtype: str = "float32",
) -> Model:
  """A Glow of "image" [H, W, C] with `levels` levels of `depth` steps, their networks `width`
  channels wide.

  `coupling` is "affine" or "mixture"; `alpha` is that of the logit; `seed` draws the rotations that
  the steps start from; `conditional` and `dequantization` ("uniform" or "variational") as in
  `_flow`. Raises UserError where the squeezes don't divide the image.
  """
  shape, _, gray = data.get("image", ((), None, None))[:3]
  if len(shape) != 3 or not gray:
    raise UserError(f"glow takes integer images [H, W, C]; the data have {shown(data)}")
  if levels < 1 or shape[0] % 2**levels or shape[1] % 2**levels:
    most = max(n for n in range(9) if math.gcd(*shape[:2]) % 2**n == 0)
    raise UserError(
      f"model.levels={levels} halves {shape[0]} x {shape[1]} images {levels} times: 1 to {most} can be"
    )
  if coupling not in UNIVARIATE:
    raise UserError(
      f"unknown model.coupling={coupling!r}{nearest(coupling, UNIVARIATE)}; there are affine, mixture"
    )
  parts = images(shape, levels, depth, width, coupling, alpha, seed, dtype)
  return flow(data, *parts, conditional=conditional, dequantization=dequantization)
