"""Monotone maps of one number, by parameters [..., K]: what couplings and autoregressive flows bend
numbers with.

Each is a `Bijector` that acts on every number alone and leaves log |dy/dx| in the shape of x.
"""

import math

import jax
from jax.nn import log_sigmoid, logsumexp, softplus
import jax.numpy as jnp

from genjax_zoo.prob.bijectors import Bijector
from genjax_zoo.prob.splines import inverse_spline, spline


def additive(params) -> Bijector:
  """y = x + shift, params [..., 1] (NICE, arXiv:1410.8516)."""
  shift = params[..., 0]
  return Bijector(
    lambda x: (x + shift, jnp.zeros_like(x)), lambda y: (y - shift, jnp.zeros_like(y))
  )


def affine(params, bound: float = 2.0) -> Bijector:
  """y = x exp(s) + shift, s = bound tanh(raw / bound), params [..., 2] = (raw, shift) (RealNVP,
  arXiv:1605.08803).
  """
  s, shift = bound * jnp.tanh(params[..., 0] / bound), params[..., 1]
  return Bijector(lambda x: (x * jnp.exp(s) + shift, s), lambda y: ((y - shift) * jnp.exp(-s), -s))


def rational_quadratic(params, bound: float = 4.0) -> Bijector:
  """A monotone spline of K bins on [-bound, bound] between linear tails, params [..., 3 K - 1]; see
  `splines`.
  """
  return Bijector(lambda x: spline(x, params, bound), lambda y: inverse_spline(y, params, bound))


def logit(alpha: float = 0.05) -> Bijector:
  """y = logit(alpha / 2 + (1 - alpha) x): from [0, 1], cells at both edges included, to the line
  (RealNVP, 4.1).
  """

  def forward(x):
    p = alpha / 2 + (1 - alpha) * x
    y = jnp.log(p) - jnp.log1p(-p)
    return y, math.log1p(-alpha) + softplus(y) + softplus(-y)

  def backward(y):
    return (jax.nn.sigmoid(y) - alpha / 2) / (1 - alpha), -math.log1p(-alpha) - softplus(
      y
    ) - softplus(-y)

  return Bijector(forward, backward)


def sigmoid() -> Bijector:
  """y = 1 / (1 + exp(-x)), with log dy/dx exact however close y is to 0 or 1."""
  return Bijector(*logit(0.0)[::-1])


def mixture_of_logistics(params, bound: float = 4.0) -> Bijector:
  """y = logit(F(x)) exp(a) + b with F the distribution function of a mixture (Flow++,
  arXiv:1902.00275, eq. 10 - 11).

  params [..., 3 K + 2] = K logits, K means, K log scales, a, b; the last three are held within
  `bound` of where they are for zeros: there the K means, which must differ for the components to,
  are spread over [-1, 1], and all scales 1. F is inverted by `root`: the components' own quantiles
  are on either side of the mixture's.
  """
  K = (params.shape[-1] - 2) // 3
  logits, means, log_scales, rest = jnp.split(params, [K, 2 * K, 3 * K], -1)
  held = lambda raw: bound * jnp.tanh(raw / bound)
  log_pi, log_scales = jax.nn.log_softmax(logits), held(log_scales)
  means = means + jnp.linspace(-1, 1, K).reshape([1] * (params.ndim - 1) + [K])
  a, b = held(rest[..., 0]), rest[..., 1]

  def straight(x):
    """(logit F(x), log of its slope), from logarithms of F and 1 - F: both tails are exact."""
    u = (x[..., None] - means) * jnp.exp(-log_scales)
    below, above = (logsumexp(log_pi + log_sigmoid(v), -1) for v in (u, -u))
    density = logsumexp(log_pi + log_sigmoid(u) + log_sigmoid(-u) - log_scales, -1)
    return below - above, density - below - above

  def forward(x):
    y, log_slope = straight(x)
    return y * jnp.exp(a) + b, log_slope + a

  def backward(y):
    level = (y - b) * jnp.exp(-a)
    quantiles = means + level[..., None] * jnp.exp(log_scales)
    x = root(lambda x: straight(x)[0] - level, quantiles.min(-1), quantiles.max(-1))
    return x, -straight(x)[1] - a

  return Bijector(forward, backward)


def root(f, low, high, steps: int = 100):
  """x [...] in [low, high] with f(x) = 0, f increasing and elementwise; exact to rounding, and
  differentiable.

  Newton's step where it stays in the bracket and at least halves the step before, else the
  bracket's middle. The derivatives are those of the implicit function theorem, whatever the steps
  were.
  """

  def solve(f, start):
    def step(_, state):
      low, high, x, last = state
      value, slope = jax.jvp(f, (x,), (jnp.ones_like(x),))
      low, high = jnp.where(value <= 0, x, low), jnp.where(value >= 0, x, high)
      newton, middle, rounding = (
        value / slope,
        (low + high) / 2,
        4 * jnp.finfo(x.dtype).eps * (1 + jnp.abs(x)),
      )
      good = jnp.abs(newton) <= jnp.maximum(jnp.abs(last) / 2, rounding)
      good &= (x - newton >= low) & (x - newton <= high)
      x, before = jnp.where(good, x - newton, middle), x
      return low, high, x, x - before

    return jax.lax.fori_loop(0, steps, step, (low, high, start, high - low))[2]

  scaled = lambda g, y: y / g(jnp.ones_like(y))
  return jax.lax.custom_root(f, jax.lax.stop_gradient(low + high) / 2, solve, scaled)
