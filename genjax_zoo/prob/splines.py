"""Monotone rational-quadratic splines (Neural Spline Flows, Durkan et al. 2019, arXiv:1906.04032)."""

import math

import jax
import jax.numpy as jnp


def knots(raw, bound: float, least: float):
  """Knots [..., K + 1] from -bound to bound of K bins, each at least `least` of the whole, from
  logits [..., K].
  """
  widths = least + (1 - least * raw.shape[-1]) * jax.nn.softmax(raw, -1)
  inner = bound * (2 * jnp.cumsum(widths, -1)[..., :-1] - 1)
  end = jnp.full_like(inner[..., :1], bound)
  return jnp.concatenate([-end, inner, end], -1)


def curve(params, bound: float, least: float):
  """Knots x, y and the slopes there, each [..., K + 1], of params [..., 3 K - 1]; zeros make the
  identity.
  """
  bins = (params.shape[-1] + 1) // 3
  raw_x, raw_y, raw_slope = jnp.split(params, [bins, 2 * bins], -1)
  inner = least + jax.nn.softplus(raw_slope + math.log(math.expm1(1 - least)))
  one = jnp.ones_like(raw_x[..., :1])  # The slope of the tails.
  return (
    knots(raw_x, bound, least),
    knots(raw_y, bound, least),
    jnp.concatenate([one, inner, one], -1),
  )


def bin_of(v, at, *tables):
  """Of each table [..., K + 1] its two values at the ends of the bin of knots `at` in which v [...]
  lies.
  """
  index = (v[..., None] >= at[..., 1:-1]).sum(-1, keepdims=True)
  here = index == jnp.arange(at.shape[-1] - 1).reshape([1] * v.ndim + [-1])
  # A masked sum: gathers, and the scatters of their gradients, are slow.
  pick = lambda table: jnp.where(here, table, 0).sum(-1)
  return [(pick(table[..., :-1]), pick(table[..., 1:])) for table in tables]


def log_slope(t, s, d0, d1):
  """log dy/dx at t in [0, 1] of a bin of mean slope s and slopes d0, d1 at its ends (eq. 5)."""
  rest = t * (1 - t)
  top = d1 * t**2 + 2 * s * rest + d0 * (1 - t) ** 2
  return 2 * jnp.log(s) + jnp.log(top) - 2 * jnp.log(s * (t**2 + (1 - t) ** 2) + (d0 + d1) * rest)


def spline(x, params, bound: float = 4.0, least: float = 1e-3):
  """(y, log dy/dx) of x [...], elementwise, params [..., 3 K - 1]: K bins on [-bound, bound],
  outside the identity.

  In a bin from (x0, y0) to (x1, y1) with t = (x - x0) / (x1 - x0) and s = (y1 - y0) / (x1 - x0),
  eq. 4 is

    y = y0 + (y1 - y0) (s t^2 + d0 t (1 - t)) / (s (t^2 + (1 - t)^2) + (d0 + d1) t (1 - t))

  whose terms are all positive: nothing cancels. x is clipped before the curve and chosen after it,
  so that what is not chosen has a finite gradient too.
  """
  at, to, slopes = curve(params, bound, least)
  (x0, x1), (y0, y1), (d0, d1) = bin_of(inside := jnp.clip(x, -bound, bound), at, at, to, slopes)
  t, s = (inside - x0) / (x1 - x0), (y1 - y0) / (x1 - x0)
  rest = t * (1 - t)
  y = y0 + (y1 - y0) * (s * t**2 + d0 * rest) / (s * (t**2 + (1 - t) ** 2) + (d0 + d1) * rest)
  within = jnp.abs(x) < bound
  return jnp.where(within, y, x), jnp.where(within, log_slope(t, s, d0, d1), 0)


def inverse_spline(y, params, bound: float = 4.0, least: float = 1e-3):
  """(x, log dx/dy), the inverse of `spline`.

  Of v = (y - y0) / (y1 - y0) eq. 6 - 8 solve a quadratic in t. With p = d0 (1 - v) - d1 v and q = 4
  s^2 v (1 - v), its discriminant is p^2 + q, a sum of positive terms, and its root in [0, 1]

    t = 2 s v / (2 s v + u),   u = p + sqrt(p^2 + q) = q / (sqrt(p^2 + q) - p)

  where the first form of u is exact for p > 0 and the second for p < 0.
  """
  at, to, slopes = curve(params, bound, least)
  (x0, x1), (y0, y1), (d0, d1) = bin_of(inside := jnp.clip(y, -bound, bound), to, at, to, slopes)
  v, s = (inside - y0) / (y1 - y0), (y1 - y0) / (x1 - x0)
  p, q = d0 * (1 - v) - d1 * v, 4 * s**2 * v * (1 - v)
  root = jnp.sqrt(p**2 + q)
  u = jnp.where(p > 0, p + root, q / (root + jnp.abs(p)))
  t = 2 * s * v / (2 * s * v + u)
  within = jnp.abs(y) < bound
  return jnp.where(within, x0 + (x1 - x0) * t, y), jnp.where(within, -log_slope(t, s, d0, d1), 0)
