"""Invertible maps with the logarithm of the determinant of their Jacobian: the layers of
normalizing flows.

A `Bijector` is two pure functions of a batch. Forward goes from the data to the latents, z = f(x),
hence

  log p(x) = log p_z(f(x)) + log |det df/dx|

A univariate map (`prob.univariate`) is a Bijector too, but acts on each number alone and leaves log
|dy/dx| in the shape of x; `coupling` and `autoregressive` take any, `elementwise` makes one a
layer. Networks come in as functions: there is nothing to learn in here.
"""

from collections.abc import Callable
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular


class Bijector(NamedTuple):
  """Two functions, each the other's inverse."""

  forward_and_log_det: Callable  # x [B, ...] -> (y [B, ...], log |det dy/dx| [B])
  inverse_and_log_det: Callable  # y [B, ...] -> (x [B, ...], log |det dx/dy| [B])


def total(log_det):
  """[B, ...] summed to [B]."""
  return log_det.reshape(len(log_det), -1).sum(-1)


def inverse(f: Bijector) -> Bijector:
  """f with its two functions exchanged."""
  return Bijector(*f[::-1])


def chain(*layers: Bijector) -> Bijector:
  """One layer after the other, the first first."""

  def through(layers, direction):
    def apply(x):
      log_det = jnp.zeros(len(x), x.dtype)
      for layer in layers:
        x, change = layer[direction](x)
        log_det += change
      return x, log_det

    return apply

  return Bijector(through(layers, 0), through(layers[::-1], 1))


def repeat(layer: Callable, params) -> Bijector:
  """`layer(p)` for each p along the first axis of `params`, scanned: compiled once, however deep."""

  def through(direction):
    def step(carry, p):
      x, change = layer(p)[direction](carry[0])
      return (x, carry[1] + change), None

    start = lambda x: (x, jnp.zeros(len(x), x.dtype))
    return lambda x: jax.lax.scan(step, start(x), params, reverse=direction == 1)[0]

  return Bijector(through(0), through(1))


def observe(layer: Callable, params, x):
  """(y, log_det, moments) of `repeat`'s forward where each layer(p, moments) is given those of its
  own input.

  moments: `mean` and `var` over all axes but the last, [depth, C]. A batch norm in training; in
  evaluation `repeat(lambda p: layer(*p), (params, averages of moments))` is the same flow.
  """

  def step(carry, p):
    x, log_det = carry
    axes = tuple(range(x.ndim - 1))
    moments = {"mean": x.mean(axes), "var": x.var(axes)}
    y, change = layer(p, moments).forward_and_log_det(x)
    return (y, log_det + change), moments

  (y, log_det), moments = jax.lax.scan(step, (x, jnp.zeros(len(x), x.dtype)), params)
  return y, log_det, moments


def grow(layer: Callable, initialize: Callable, seeds, x):
  """(params, y): those of `repeat(layer, params)`, each from `initialize(seed, its input)`, and
  where x goes.

  `seeds` are stacked as the params will be: keys, say. Each layer sees the data as those before it
  leave them: the data-dependent initialisation of Glow, 3.1.
  """

  def step(x, seed):
    p = initialize(seed, x)
    return layer(p).forward_and_log_det(x)[0], p

  y, params = jax.lax.scan(step, x, seeds)
  return params, y


def path(layer: Callable, params, y):
  """All that y [B, ...] goes through on its way back through `repeat(layer, params)`: [depth, B,
  ...], x the first.
  """

  def step(y, p):
    x = layer(p).inverse_and_log_det(y)[0]
    return x, x

  return jax.lax.scan(step, y, params, reverse=True)[1]


def elementwise(f: Bijector) -> Bijector:
  """The layer that applies a univariate map to every number."""

  def through(direction):
    def apply(x):
      y, log_det = f[direction](x)
      return y, total(log_det)

    return apply

  return Bijector(through(0), through(1))


class Split(NamedTuple):
  """How a coupling divides its input."""

  part: Callable  # x -> (kept, moved)
  join: Callable  # (kept, moved) -> x


def halves(kept_first: bool = True) -> Split:
  """The first D // 2 of the last axis, features or channels, and the others; the first or the last
  are kept.
  """
  order = slice(None, None, 1 if kept_first else -1)
  part = lambda x: jnp.split(x, [x.shape[-1] // 2], -1)[order]
  return Split(part, lambda *parts: jnp.concatenate(parts[order], -1))


def checkerboard(kept_even: bool = True) -> Split:
  """The pixels of even and odd i + j of images [B, H, W, C]; kept has zeros at the others, moved is
  all of x.
  """

  def kept(x):
    i, j = jnp.arange(x.shape[1]), jnp.arange(x.shape[2])
    return jnp.broadcast_to(
      (((i[:, None] + j[None]) % 2 == 0) == kept_even)[None, :, :, None], x.shape
    )

  return Split(lambda x: (jnp.where(kept(x), x, 0), x), lambda a, b: jnp.where(kept(a), a, b))


def coupling(split: Split, univariate: Callable, net: Callable) -> Bijector:
  """moved -> univariate(net(kept))(moved): the Jacobian is triangular, whatever the network (NICE,
  eq. 4).

  `net` gives parameters [*moved.shape, K], `univariate` makes of these a univariate map.
  """

  def through(direction):
    def apply(x):
      kept, moved = split.part(x)
      moved, log_det = univariate(net(kept))[direction](moved)
      return split.join(kept, moved), total(split.join(jnp.zeros_like(kept), log_det))

    return apply

  return Bijector(through(0), through(1))


def autoregressive(univariate: Callable, net: Callable) -> Bijector:
  """y_d = univariate(net(x)_d)(x_d), where net(x)_d depends on x_1 .. x_d-1 only (MAF,
  arXiv:1705.07057, eq. 3 - 5).

  `net` goes from [B, D] to parameters [B, D, K]. Forward is one pass, the inverse D passes, one
  number after the other; `inverse` of this layer is that of IAF (arXiv:1606.04934), fast the other
  way.
  """

  def forward(x):
    y, log_det = univariate(net(x)).forward_and_log_det(x)
    return y, total(log_det)

  def backward(y):
    def step(x, d):
      found = univariate(net(x)).inverse_and_log_det(y)[0]
      return jnp.where((jnp.arange(y.shape[1]) == d)[None], found, x), None

    x, _ = jax.lax.scan(step, jnp.zeros_like(y), jnp.arange(y.shape[1] - 1))
    x, log_det = univariate(net(x)).inverse_and_log_det(
      y
    )  # The last number, and all parameters as they are in the end.
    return x, total(log_det)

  return Bijector(forward, backward)


def actnorm(params) -> Bijector:
  """y = (x + shift) exp(log_scale), params of shape [C], along the last axis (Glow,
  arXiv:1807.03039, 3.1).
  """

  def spread(x):
    return (jnp.broadcast_to(params[name], x.shape) for name in ("log_scale", "shift"))

  def forward(x):
    log_scale, shift = spread(x)
    return (x + shift) * jnp.exp(log_scale), log_scale

  def backward(y):
    log_scale, shift = spread(y)
    return y * jnp.exp(-log_scale) - shift, -log_scale

  return elementwise(Bijector(forward, backward))


def actnorm_init(x) -> dict:
  """The parameters with which `actnorm` gives x [B, ..., C] mean 0 and variance 1 in each channel."""
  axes = tuple(range(x.ndim - 1))
  return {"shift": -x.mean(axes), "log_scale": -jnp.log(x.std(axes) + 1e-6)}


def batch_norm(params, moments) -> Bijector:
  """y = (x - mean) / sqrt(var + 1e-5) exp(log_scale) + shift, along the last axis (RealNVP, 3.7;
  MAF, appendix B).

  params: `log_scale` and `shift` [C]; moments: `mean` and `var` [C], of the batch in training, else
  of its past.
  """
  log_std = 0.5 * jnp.log(moments["var"] + 1e-5)
  scale = {"log_scale": params["log_scale"] - log_std, "shift": -moments["mean"]}
  shift = {"log_scale": jnp.zeros_like(log_std), "shift": params["shift"]}
  return chain(actnorm(scale), actnorm(shift))


def linear(params, order) -> Bijector:
  """y = x[..., order] L U along the last axis: an invertible 1 x 1 convolution (Glow, 3.2, eq. 10 -
  11).

  params: `lower` and `upper` [C, C], of which the strict triangles count, and `log_diagonal` [C]: L
  has ones on its diagonal, U has exp(log_diagonal). Zeros make it the permutation `order`, which is
  not learnt.
  """
  eye = jnp.eye(len(params["log_diagonal"]), dtype=params["lower"].dtype)
  lower = jnp.tril(params["lower"], -1) + eye
  upper = jnp.triu(params["upper"], 1) + jnp.diag(jnp.exp(params["log_diagonal"]))

  def log_det(x):
    return jnp.broadcast_to(math.prod(x.shape[1:-1]) * params["log_diagonal"].sum(), len(x))

  def forward(x):
    # The order in the matrix: x is read once.
    return x @ (lower @ upper)[jnp.argsort(order)], log_det(x)

  def backward(y):
    columns = y.reshape(-1, y.shape[-1]).T
    columns = solve_triangular(
      lower, solve_triangular(upper, columns, trans=1), trans=1, lower=True
    )
    return columns.T.reshape(y.shape)[..., jnp.argsort(order)], -log_det(y)

  return Bijector(forward, backward)


def rearrange(there: Callable, back: Callable) -> Bijector:
  """A layer that keeps volume: it moves numbers, or rotates them."""
  zero = lambda x: jnp.zeros(len(x), x.dtype)
  return Bijector(lambda x: (there(x), zero(x)), lambda y: (back(y), zero(y)))


def permutation(order) -> Bijector:
  """y = x[..., order]."""
  return rearrange(lambda x: x[..., order], lambda y: y[..., jnp.argsort(order)])


def flatten(shape: tuple[int, ...]) -> Bijector:
  """[B, *shape] -> [B, D]."""
  return rearrange(lambda x: x.reshape(len(x), -1), lambda y: y.reshape(len(y), *shape))


def squeeze() -> Bijector:
  """Images [B, H, W, C] -> [B, H / 2, W / 2, 4 C]: each 2 x 2 block becomes a pixel (RealNVP, 3.6)."""

  def there(x):
    b, h, w, c = x.shape
    return (
      x.reshape(b, h // 2, 2, w // 2, 2, c)
      .transpose(0, 1, 3, 2, 4, 5)
      .reshape(b, h // 2, w // 2, 4 * c)
    )

  def back(y):
    b, h, w, c = y.shape
    return (
      y.reshape(b, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5).reshape(b, 2 * h, 2 * w, c // 4)
    )

  return rearrange(there, back)


def factor_out(rest: Bijector, shape: tuple[int, ...]) -> Bijector:
  """The first half of the channels of [B, *shape] is done, `rest` takes the others: [B, D]
  (RealNVP, 3.6).

  `rest` goes from [B, ..., C - C // 2] to vectors.
  """
  done = shape[-1] // 2
  size = math.prod(shape[:-1]) * done

  def forward(x):
    z, log_det = rest.forward_and_log_det(x[..., done:])
    return jnp.concatenate([x[..., :done].reshape(len(x), size), z], -1), log_det

  def backward(z):
    x, log_det = rest.inverse_and_log_det(z[:, size:])
    return jnp.concatenate([z[:, :size].reshape(len(z), *shape[:-1], done), x], -1), log_det

  return Bijector(forward, backward)
