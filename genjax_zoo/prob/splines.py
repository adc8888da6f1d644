"""Monotone rational-quadratic splines (Durkan et al. 2019, Neural Spline Flows, 1906.04032)."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp


class Curve(NamedTuple):
  """The K + 1 knots of a spline, each [..., K + 1]."""

  x: jax.Array
  y: jax.Array
  slope: jax.Array


class Bin(NamedTuple):
  """Both ends of the bin that a point lies in, each [...]."""

  x0: jax.Array
  x1: jax.Array
  y0: jax.Array
  y1: jax.Array
  d0: jax.Array  # Slopes.
  d1: jax.Array


def knots(raw, bound: float, least: float):
  """Knots [..., K + 1] from -bound to bound, by logits [..., K] of the widths of the bins.

  Each bin is at least the fraction `least` of the interval wide.
  """
  widths = least + (1 - least * raw.shape[-1]) * jax.nn.softmax(raw, -1)
  inner = bound * (2 * jnp.cumsum(widths, -1)[..., :-1] - 1)
  end = jnp.full_like(inner[..., :1], bound)
  return jnp.concatenate([-end, inner, end], -1)


def curve(params, bound: float, least: float) -> Curve:
  """The knots that params [..., 3 K - 1] stand for; zeros give the identity."""
  bins = (params.shape[-1] + 1) // 3
  raw_x, raw_y, raw_slope = jnp.split(params, [bins, 2 * bins], -1)
  # softplus(log(exp(1 - least) - 1)) = 1 - least: slope 1 for raw_slope = 0.
  inner = least + jax.nn.softplus(raw_slope + math.log(math.expm1(1 - least)))
  tail = jnp.ones_like(raw_x[..., :1])
  slope = jnp.concatenate([tail, inner, tail], -1)
  return Curve(knots(raw_x, bound, least), knots(raw_y, bound, least), slope)


def bin_of(v, edges, at: Curve) -> Bin:
  """The bin of the curve in which v [...] lies, `edges` being at.x, or at.y for v on the y axis."""
  index = (v[..., None] >= edges[..., 1:-1]).sum(-1, keepdims=True)
  bins = jnp.arange(edges.shape[-1] - 1).reshape([1] * v.ndim + [-1])

  def pick(table):
    # A masked sum: gathers, and the scatters of their gradients, are slow.
    return jnp.where(index == bins, table, 0).sum(-1)

  def ends(table):
    return pick(table[..., :-1]), pick(table[..., 1:])

  return Bin(*ends(at.x), *ends(at.y), *ends(at.slope))


def log_slope(t, s, d0, d1):
  """log dy/dx at t in [0, 1] of a bin of mean slope s and slopes d0, d1 at its ends (eq. 5)."""
  rest = t * (1 - t)
  top = d1 * t**2 + 2 * s * rest + d0 * (1 - t) ** 2
  return 2 * jnp.log(s) + jnp.log(top) - 2 * jnp.log(s * (t**2 + (1 - t) ** 2) + (d0 + d1) * rest)


def spline(x, params, bound: float = 4.0, least: float = 1e-3):
  """(y, log dy/dx) of x [...], elementwise: K bins on [-bound, bound], the identity outside.

  params: [..., 3 K - 1]. In a bin from (x0, y0) to (x1, y1) with t = (x - x0) / (x1 - x0) and
  s = (y1 - y0) / (x1 - x0), eq. 4 is

    y = y0 + (y1 - y0) (s t^2 + d0 t (1 - t)) / (s (t^2 + (1 - t)^2) + (d0 + d1) t (1 - t))

  All its terms are positive: there is no cancellation.
  """
  at = curve(params, bound, least)
  # Outside, the branch that is not chosen below must have a finite gradient too: x is clipped.
  inside = jnp.clip(x, -bound, bound)
  x0, x1, y0, y1, d0, d1 = bin_of(inside, at.x, at)
  t = (inside - x0) / (x1 - x0)
  s = (y1 - y0) / (x1 - x0)
  rest = t * (1 - t)
  y = y0 + (y1 - y0) * (s * t**2 + d0 * rest) / (s * (t**2 + (1 - t) ** 2) + (d0 + d1) * rest)
  within = jnp.abs(x) < bound
  return jnp.where(within, y, x), jnp.where(within, log_slope(t, s, d0, d1), 0)


def inverse_spline(y, params, bound: float = 4.0, least: float = 1e-3):
  """(x, log dx/dy), the inverse of `spline`.

  With v = (y - y0) / (y1 - y0), eq. 6 - 8 solve a quadratic in t. With p = d0 (1 - v) - d1 v and
  q = 4 s^2 v (1 - v), its discriminant is p^2 + q, a sum of positive terms, and its root in [0, 1]

    t = 2 s v / (2 s v + u),   u = p + sqrt(p^2 + q) = q / (sqrt(p^2 + q) - p)
  """
  at = curve(params, bound, least)
  inside = jnp.clip(y, -bound, bound)
  x0, x1, y0, y1, d0, d1 = bin_of(inside, at.y, at)
  v = (inside - y0) / (y1 - y0)
  s = (y1 - y0) / (x1 - x0)
  p = d0 * (1 - v) - d1 * v
  q = 4 * s**2 * v * (1 - v)
  root = jnp.sqrt(p**2 + q)
  # Both forms of u are equal; the first cancels for p < 0, the second for p > 0.
  u = jnp.where(p > 0, p + root, q / (root + jnp.abs(p)))
  t = 2 * s * v / (2 * s * v + u)
  within = jnp.abs(y) < bound
  return jnp.where(within, x0 + (x1 - x0) * t, y), jnp.where(within, -log_slope(t, s, d0, d1), 0)
