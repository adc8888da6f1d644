"""Monotone maps of one number with parameters [..., K], for couplings and autoregressive flows.

Each is a `Bijector` that acts on every element alone and returns log |dy/dx| in the shape of x.
"""

import math

import jax
from jax.nn import log_sigmoid, logsumexp, softplus
import jax.numpy as jnp

from genjax_zoo.prob.bijectors import Bijector, invert
from genjax_zoo.prob.splines import inverse_spline, spline


def additive(params) -> Bijector:
  """y = x + shift, params [..., 1] (NICE, arXiv:1410.8516)."""
  shift = params[..., 0]

  def forward(x):
    return x + shift, jnp.zeros_like(x)

  def inverse(y):
    return y - shift, jnp.zeros_like(y)

  return Bijector(forward, inverse)


def affine(params, bound: float = 2.0) -> Bijector:
  """y = x exp(s) + shift, params [..., 2] = (raw s, shift) (RealNVP, arXiv:1605.08803).

  s = bound tanh(raw / bound), so that |s| < bound.
  """
  s = bounded(params[..., 0], bound)
  shift = params[..., 1]

  def forward(x):
    return x * jnp.exp(s) + shift, s

  def inverse(y):
    return (y - shift) * jnp.exp(-s), -s

  return Bijector(forward, inverse)


def bounded(raw, bound: float):
  """raw in (-bound, bound), by a tanh of slope 1 at 0."""
  return bound * jnp.tanh(raw / bound)


def rational_quadratic(params, bound: float = 4.0) -> Bijector:
  """A monotone spline of K bins on [-bound, bound], linear outside, params [..., 3 K - 1].

  See `prob.splines`.
  """
  return Bijector(lambda x: spline(x, params, bound), lambda y: inverse_spline(y, params, bound))


def logit(alpha: float = 0.05) -> Bijector:
  """y = logit(alpha / 2 + (1 - alpha) x): from [0, 1], edges included, to R (RealNVP, 4.1)."""

  def forward(x):
    p = alpha / 2 + (1 - alpha) * x
    y = jnp.log(p) - jnp.log1p(-p)
    return y, math.log1p(-alpha) + softplus(y) + softplus(-y)

  def inverse(y):
    x = (jax.nn.sigmoid(y) - alpha / 2) / (1 - alpha)
    return x, -math.log1p(-alpha) - softplus(y) - softplus(-y)

  return Bijector(forward, inverse)


def sigmoid() -> Bijector:
  """y = 1 / (1 + exp(-x)), with log dy/dx exact however close y is to 0 or 1."""
  return invert(logit(0.0))


def mixture_of_logistics(params, bound: float = 4.0) -> Bijector:
  """y = logit(F(x)) exp(a) + b, F the CDF of a mixture of K logistics (Flow++, eq. 10 - 11).

  (arXiv:1902.00275.) params [..., 3 K + 2] = K logits, K means, K log scales, a, b. The log scales
  and a are held in (-bound, bound). Zeros stand for scales of 1 and means spread evenly over
  [-1, 1]: equal means would stay equal. F is inverted numerically by `root`.
  """
  K = (params.shape[-1] - 2) // 3
  logits, means, log_scales, rest = jnp.split(params, [K, 2 * K, 3 * K], -1)
  log_pi = jax.nn.log_softmax(logits)
  log_scales = bounded(log_scales, bound)
  means = means + jnp.linspace(-1, 1, K).reshape([1] * (params.ndim - 1) + [K])
  a = bounded(rest[..., 0], bound)
  b = rest[..., 1]

  def logit_cdf(x):
    """(logit F(x), log of its slope), of log F and log(1 - F): both tails are exact."""
    u = (x[..., None] - means) * jnp.exp(-log_scales)
    log_cdf, log_survival = (logsumexp(log_pi + log_sigmoid(v), -1) for v in (u, -u))
    log_density = logsumexp(log_pi + log_sigmoid(u) + log_sigmoid(-u) - log_scales, -1)
    return log_cdf - log_survival, log_density - log_cdf - log_survival

  def forward(x):
    y, log_slope = logit_cdf(x)
    return y * jnp.exp(a) + b, log_slope + a

  def inverse(y):
    target = (y - b) * jnp.exp(-a)
    # The mixture's quantile lies between the smallest and the largest of its components' quantiles.
    quantiles = means + target[..., None] * jnp.exp(log_scales)
    x = root(lambda x: logit_cdf(x)[0] - target, quantiles.min(-1), quantiles.max(-1))
    return x, -logit_cdf(x)[1] - a

  return Bijector(forward, inverse)


def root(f, low, high, steps: int = 100):
  """x [...] in [low, high] with f(x) = 0, f increasing and elementwise; exact to rounding.

  Safeguarded Newton: bisection wherever Newton's step is not `acceptable`. Derivatives are those of
  the implicit function theorem, independent of the steps taken.
  """

  def solve(f, start):
    def step(_, state):
      low, high, x, last_move = state
      value, slope = jax.jvp(f, (x,), (jnp.ones_like(x),))
      low = jnp.where(value <= 0, x, low)
      high = jnp.where(value >= 0, x, high)
      newton = value / slope
      middle = (low + high) / 2
      moved = jnp.where(acceptable(newton, x, low, high, last_move), x - newton, middle)
      return low, high, moved, moved - x

    return jax.lax.fori_loop(0, steps, step, (low, high, start, high - low))[2]

  divide_by_slope = lambda g, y: y / g(jnp.ones_like(y))
  return jax.lax.custom_root(f, jax.lax.stop_gradient(low + high) / 2, solve, divide_by_slope)


def acceptable(newton, x, low, high, last_move):
  """Whether x - newton stays in [low, high] and moves at most half as far as the last step."""
  # Close to the root all steps are of the size of rounding errors, and need not halve.
  rounding = 4 * jnp.finfo(x.dtype).eps * (1 + jnp.abs(x))
  shrinks = jnp.abs(newton) <= jnp.maximum(jnp.abs(last_move) / 2, rounding)
  return shrinks & (x - newton >= low) & (x - newton <= high)
