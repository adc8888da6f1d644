"""Invertible maps with the log-determinant of their Jacobian: the layers of normalizing flows.

A `Bijector` is two pure functions of a batch. Forward goes from data to latents, z = f(x), so that

  log p(x) = log p_z(f(x)) + log |det df/dx|

A univariate map (`prob.univariate`) is a Bijector too, but acts on each element alone and returns
log |dy/dx| elementwise, in the shape of x; `coupling`, `autoregressive` and `elementwise` make
layers of any. Networks are passed in as functions: nothing in this module is learned.

  >>> from genjax_zoo.prob.univariate import affine
  >>> net = lambda fixed: jnp.stack([jnp.tanh(fixed), fixed**2], -1)  # Any function will do.
  >>> f = chain(coupling(halves(), affine, net), permutation(jnp.array([1, 0])))
  >>> x = jnp.array([[0.5, 2.0], [-1.0, 3.0]])
  >>> z, log_det = f.forward_and_log_det(x)
  >>> bool(jnp.allclose(f.inverse_and_log_det(z)[0], x, atol=1e-5))
  True
"""

from collections.abc import Callable
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular


class Bijector(NamedTuple):
  """Two functions, each the inverse of the other."""

  forward_and_log_det: Callable  # x [B, ...] -> (y [B, ...], log |det dy/dx| [B])
  inverse_and_log_det: Callable  # y [B, ...] -> (x [B, ...], log |det dx/dy| [B])


def invert(f: Bijector) -> Bijector:
  """The inverse of f, as a Bijector."""
  return Bijector(f.inverse_and_log_det, f.forward_and_log_det)


def chain(*layers: Bijector) -> Bijector:
  """The composition of layers, the first one applied first."""

  def forward(x):
    log_det = jnp.zeros(len(x), x.dtype)
    for layer in layers:
      x, change = layer.forward_and_log_det(x)
      log_det += change
    return x, log_det

  def inverse(y):
    log_det = jnp.zeros(len(y), y.dtype)
    for layer in reversed(layers):
      y, change = layer.inverse_and_log_det(y)
      log_det += change
    return y, log_det

  return Bijector(forward, inverse)


def repeat(layer: Callable, params) -> Bijector:
  """The chain of `layer(p)` for each p along the first axis of `params`, scanned.

  It compiles once, however deep it is.
  """

  def forward(x):
    def step(carry, p):
      x, log_det = carry
      x, change = layer(p).forward_and_log_det(x)
      return (x, log_det + change), None

    return jax.lax.scan(step, (x, jnp.zeros(len(x), x.dtype)), params)[0]

  def inverse(y):
    def step(carry, p):
      y, log_det = carry
      y, change = layer(p).inverse_and_log_det(y)
      return (y, log_det + change), None

    return jax.lax.scan(step, (y, jnp.zeros(len(y), y.dtype)), params, reverse=True)[0]

  return Bijector(forward, inverse)


def forward_with_batch_moments(layer: Callable, params, x):
  """(y, log_det, moments) of `repeat`, where layer(p, moments) gets the moments of its own input.

  moments: `mean` and `var` over all axes but the last, [depth, C]. This is batch normalisation in
  training; in evaluation, `repeat(lambda p: layer(*p), (params, running averages of moments))` is
  the same flow.
  """

  def step(carry, p):
    x, log_det = carry
    axes = tuple(range(x.ndim - 1))
    moments = {"mean": x.mean(axes), "var": x.var(axes)}
    y, change = layer(p, moments).forward_and_log_det(x)
    return (y, log_det + change), moments

  (y, log_det), moments = jax.lax.scan(step, (x, jnp.zeros(len(x), x.dtype)), params)
  return y, log_det, moments


def init_from_data(layer: Callable, init: Callable, seeds, x):
  """(params, y): parameters of `repeat(layer, params)` fitted to x layer by layer, and its output.

  Each layer's are `init(seed, input)`, its input being x after the layers before it: the
  data-dependent initialisation of Glow (3.1). `seeds` (keys, for example) are stacked as the
  parameters will be.
  """

  def step(x, seed):
    p = init(seed, x)
    y, _ = layer(p).forward_and_log_det(x)
    return y, p

  y, params = jax.lax.scan(step, x, seeds)
  return params, y


def inverse_path(layer: Callable, params, y):
  """All intermediate values of the inverse of `repeat(layer, params)`: [depth, B, ...], x first."""

  def step(y, p):
    x, _ = layer(p).inverse_and_log_det(y)
    return x, x

  return jax.lax.scan(step, y, params, reverse=True)[1]


def sum_log_det(log_det):
  """Elementwise log-determinants [B, ...] summed to [B]."""
  return log_det.reshape(len(log_det), -1).sum(-1)


def elementwise(f: Bijector) -> Bijector:
  """The layer that applies one univariate map to every element."""

  def forward(x):
    y, log_det = f.forward_and_log_det(x)
    return y, sum_log_det(log_det)

  def inverse(y):
    x, log_det = f.inverse_and_log_det(y)
    return x, sum_log_det(log_det)

  return Bijector(forward, inverse)


class Split(NamedTuple):
  """How a coupling divides its input."""

  part: Callable  # x -> (fixed, transformed)
  join: Callable  # (fixed, transformed) -> x


def halves(fixed_first: bool = True) -> Split:
  """The first D // 2 features or channels, and the others; the first or the last ones are fixed."""
  order = slice(None, None, 1 if fixed_first else -1)

  def part(x):
    return jnp.split(x, [x.shape[-1] // 2], -1)[order]

  def join(fixed, transformed):
    return jnp.concatenate((fixed, transformed)[order], -1)

  return Split(part, join)


def checkerboard(fixed_even: bool = True) -> Split:
  """The pixels of images [B, H, W, C] with even i + j, and those with odd (RealNVP, figure 3).

  Both parts have the shape of x: the fixed one has zeros at the transformed pixels.
  """

  def is_fixed(x):
    i = jnp.arange(x.shape[1])[:, None]
    j = jnp.arange(x.shape[2])[None]
    fixed = ((i + j) % 2 == 0) == fixed_even
    return jnp.broadcast_to(fixed[None, :, :, None], x.shape)

  def part(x):
    return jnp.where(is_fixed(x), x, 0), x

  def join(fixed, transformed):
    return jnp.where(is_fixed(fixed), fixed, transformed)

  return Split(part, join)


def coupling(split: Split, univariate: Callable, net: Callable) -> Bijector:
  """transformed -> univariate(net(fixed))(transformed); the Jacobian is triangular (NICE, eq. 4).

  `net(fixed)` gives parameters [*transformed.shape, K], of which `univariate` makes a univariate
  map.
  """

  def forward(x):
    fixed, transformed = split.part(x)
    transformed, log_det = univariate(net(fixed)).forward_and_log_det(transformed)
    return split.join(fixed, transformed), joint_log_det(fixed, log_det)

  def inverse(y):
    fixed, transformed = split.part(y)
    transformed, log_det = univariate(net(fixed)).inverse_and_log_det(transformed)
    return split.join(fixed, transformed), joint_log_det(fixed, log_det)

  def joint_log_det(fixed, log_det):
    # Fixed elements contribute 0, also where `transformed` covers them (checkerboards).
    return sum_log_det(split.join(jnp.zeros_like(fixed), log_det))

  return Bijector(forward, inverse)


def autoregressive(univariate: Callable, net: Callable) -> Bijector:
  """y_d = univariate(net(x)_d)(x_d), where net(x)_d depends on x_1 .. x_d-1 only (MAF, eq. 3 - 5).

  `net` goes from [B, D] to parameters [B, D, K]. Forward is one pass, the inverse D passes, one
  element after the other (arXiv:1705.07057). `invert` of this layer is that of IAF
  (arXiv:1606.04934), where the other direction is the fast one.
  """

  def forward(x):
    y, log_det = univariate(net(x)).forward_and_log_det(x)
    return y, sum_log_det(log_det)

  def inverse(y):
    def step(x, d):
      candidate, _ = univariate(net(x)).inverse_and_log_det(y)
      return jnp.where((jnp.arange(y.shape[1]) == d)[None], candidate, x), None

    x, _ = jax.lax.scan(step, jnp.zeros_like(y), jnp.arange(y.shape[1] - 1))
    # All parameters are final now: net(x) does not depend on the last element, which is found here.
    x, log_det = univariate(net(x)).inverse_and_log_det(y)
    return x, sum_log_det(log_det)

  return Bijector(forward, inverse)


def actnorm(params) -> Bijector:
  """y = (x + shift) exp(log_scale), params [C], along the last axis (Glow, 3.1)."""

  def broadcast(x):
    log_scale = jnp.broadcast_to(params["log_scale"], x.shape)
    shift = jnp.broadcast_to(params["shift"], x.shape)
    return log_scale, shift

  def forward(x):
    log_scale, shift = broadcast(x)
    return (x + shift) * jnp.exp(log_scale), log_scale

  def inverse(y):
    log_scale, shift = broadcast(y)
    return y * jnp.exp(-log_scale) - shift, -log_scale

  return elementwise(Bijector(forward, inverse))


def actnorm_init(x) -> dict:
  """Parameters with which `actnorm` gives x [B, ..., C] mean 0 and variance 1 in each channel."""
  axes = tuple(range(x.ndim - 1))
  # 1e-6: a channel that is constant in x has no standard deviation to divide by.
  return {"shift": -x.mean(axes), "log_scale": -jnp.log(x.std(axes) + 1e-6)}


def actnorm_identity(channels: int) -> dict:
  """Parameters with which `actnorm` is the identity."""
  return {"log_scale": jnp.zeros(channels), "shift": jnp.zeros(channels)}


def batch_norm(params, moments) -> Bijector:
  """y = (x - mean) / sqrt(var + 1e-5) exp(log_scale) + shift, along the last axis.

  (RealNVP, 3.7; MAF, appendix B.) params: `log_scale` and `shift` [C]; moments: `mean` and `var`
  [C], of the batch in training, running averages in evaluation.
  """
  log_std = 0.5 * jnp.log(moments["var"] + 1e-5)
  standardise = {"log_scale": params["log_scale"] - log_std, "shift": -moments["mean"]}
  shift = {"log_scale": jnp.zeros_like(log_std), "shift": params["shift"]}
  return chain(actnorm(standardise), actnorm(shift))


def linear(params, order) -> Bijector:
  """y = x[..., order] L U along the last axis: an invertible 1 x 1 convolution (Glow, eq. 10 - 11).

  params: `lower` and `upper` [C, C], of which the strict triangles are used, and `log_diagonal`
  [C]: L has ones on its diagonal, U has exp(log_diagonal). With zeros it is the permutation
  `order`, which is not learned.
  """
  eye = jnp.eye(len(params["log_diagonal"]), dtype=params["lower"].dtype)
  lower = jnp.tril(params["lower"], -1) + eye
  upper = jnp.triu(params["upper"], 1) + jnp.diag(jnp.exp(params["log_diagonal"]))
  inverse_order = jnp.argsort(order)

  def log_det(x):
    pixels = math.prod(x.shape[1:-1])
    return jnp.broadcast_to(pixels * params["log_diagonal"].sum(), len(x))

  def forward(x):
    # Permuting the rows of the matrix, not x, reads x once.
    return x @ (lower @ upper)[inverse_order], log_det(x)

  def inverse(y):
    columns = y.reshape(-1, y.shape[-1]).T
    columns = solve_triangular(upper, columns, trans=1)
    columns = solve_triangular(lower, columns, trans=1, lower=True)
    return columns.T.reshape(y.shape)[..., inverse_order], -log_det(y)

  return Bijector(forward, inverse)


def linear_identity(channels: int) -> dict:
  """Parameters with which `linear` only permutes."""
  return {
    "lower": jnp.zeros((channels, channels)),
    "upper": jnp.zeros((channels, channels)),
    "log_diagonal": jnp.zeros(channels),
  }


def volume_preserving(forward: Callable, inverse: Callable) -> Bijector:
  """The layer of a function and its inverse that have determinant +-1."""
  zero = lambda x: jnp.zeros(len(x), x.dtype)
  return Bijector(lambda x: (forward(x), zero(x)), lambda y: (inverse(y), zero(y)))


def permutation(order) -> Bijector:
  """y = x[..., order]."""
  return volume_preserving(lambda x: x[..., order], lambda y: y[..., jnp.argsort(order)])


def rotation(matrix) -> Bijector:
  """y = x R along the last axis, R [C, C] a fixed orthogonal matrix."""
  return volume_preserving(
    lambda x: x @ matrix.astype(x.dtype), lambda y: y @ matrix.T.astype(y.dtype)
  )


def flatten(shape: tuple[int, ...]) -> Bijector:
  """[B, *shape] -> [B, D]."""
  return volume_preserving(lambda x: x.reshape(len(x), -1), lambda y: y.reshape(len(y), *shape))


def squeeze() -> Bijector:
  """Images [B, H, W, C] -> [B, H/2, W/2, 4 C]: each 2 x 2 block becomes a pixel (RealNVP, 3.6)."""

  def forward(x):
    b, h, w, c = x.shape
    blocks = x.reshape(b, h // 2, 2, w // 2, 2, c)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(b, h // 2, w // 2, 4 * c)

  def inverse(y):
    b, h, w, c = y.shape
    blocks = y.reshape(b, h, w, 2, 2, c // 4)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(b, 2 * h, 2 * w, c // 4)

  return volume_preserving(forward, inverse)


def factor_out(rest: Bijector, shape: tuple[int, ...]) -> Bijector:
  """[B, *shape] -> [B, D]: the first half of the channels as it is, and `rest` of the others.

  (RealNVP, 3.6.) `rest` goes from [B, ..., C - C // 2] to vectors.
  """
  done = shape[-1] // 2
  size = math.prod(shape[:-1]) * done

  def forward(x):
    z, log_det = rest.forward_and_log_det(x[..., done:])
    return jnp.concatenate([x[..., :done].reshape(len(x), size), z], -1), log_det

  def inverse(z):
    x, log_det = rest.inverse_and_log_det(z[:, size:])
    first = z[:, :size].reshape(len(z), *shape[:-1], done)
    return jnp.concatenate([first, x], -1), log_det

  return Bijector(forward, inverse)
