"""Volume rendering: what a ray sees of a field that gives each point a density and a colour.

(Mildenhall 2020, NeRF, arXiv:2003.08934, equations 1 to 3.) The density sigma is the rate, for a
unit of length, at which a ray that gets to a point ends there. It gets to t with the transmittance
T(t), and its expected colour is

  T(t) = exp(-int_near^t sigma),   C = int_near^far T sigma colour dt + T(far) background

Between the `edges` of n intervals of lengths delta_i, in each of which density and colour are
constant, this is exactly

  C = sum_i w_i colour_i + T_n background,   T_i = exp(-sum_{j < i} sigma_j delta_j)
  w_i = T_i (1 - exp(-sigma_i delta_i)),     sum_i w_i = 1 - T_n

The paper takes one random point of each interval, and for delta_i the distances between the points;
here delta_i are the lengths of the intervals, so that the weights do not depend on the points.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

PADDING = 0.05  # The share of fine intervals that are spread evenly, wherever coarse ones see.


class Rendering(NamedTuple):
  """What rays [...] see."""

  colour: jax.Array  # [..., K]
  depth: jax.Array  # The expected distance at which rays end, of those that do not: `far`, [...].
  opacity: jax.Array  # The probability that a ray ends in the field, [...].
  weights: jax.Array  # [..., n], the probability that it does so in each interval.
  values: jax.Array  # [..., n, K], what the field has there for a colour.


def weights(density, lengths):
  """(w [..., n], T_n [...]): the weights of intervals of these lengths, and what passes all."""
  thickness = density * lengths
  passed = jnp.cumsum(thickness, -1)
  transmittance = jnp.exp(-(passed - thickness))
  return -transmittance * jnp.expm1(-thickness), jnp.exp(-passed[..., -1])


def even_edges(near: float, far: float, n: int):
  """The edges of n equal intervals, [n + 1]."""
  return jnp.linspace(near, far, n + 1)


def points_in(edges, key=None):
  """A place in each interval of edges [..., n + 1], [..., n]: random with a key, or the middle."""
  low, high = edges[..., :-1], edges[..., 1:]
  u = 0.5 if key is None else jax.random.uniform(key, low.shape)
  return low + u * (high - low)


def fine_edges(edges, w, n: int):
  """Edges of n intervals, closer where rays are likely to end, [..., n + 1], from near to far.

  They are the quantiles of the distribution with the weights w [..., m] of the intervals between
  edges [..., m + 1] and, so that none is left without, an even share of PADDING.
  """
  even = jnp.diff(edges, axis=-1) / (edges[..., -1:] - edges[..., :1])
  share = w / jnp.maximum(w.sum(-1, keepdims=True), 1e-6)
  mass = (1 - PADDING) * share + PADDING * even
  below = jnp.cumsum(mass, -1)
  below = jnp.concatenate([jnp.zeros_like(below[..., :1]), below / below[..., -1:]], -1)
  quantiles = lambda below, edges: jnp.interp(jnp.linspace(0.0, 1.0, n + 1), below, edges)
  return jnp.vectorize(quantiles, signature="(m),(m)->(n)")(below, edges)


def render(field: Callable, origins, directions, edges, background=1.0, key=None) -> Rendering:
  """What rays see: origins and directions [..., 3], edges [..., n + 1], background [] or [..., K].

  field(points [..., n, 3], directions [..., 1, 3]) -> (density [..., n], colour [..., n, K]) is
  evaluated once in each interval, at random with a key, else in the middle.
  """
  edges = jnp.broadcast_to(edges, (*directions.shape[:-1], edges.shape[-1]))
  t = points_in(edges, key)
  points = origins[..., None, :] + t[..., None] * directions[..., None, :]
  density, colour = field(points, directions[..., None, :])
  w, passed = weights(density, jnp.diff(edges, axis=-1))
  seen = (w[..., None] * colour).sum(-2)
  seen += passed[..., None] * jnp.broadcast_to(background, seen.shape)
  depth = (w * t).sum(-1) + passed * edges[..., -1]
  return Rendering(seen, depth, 1 - passed, w, colour)


def render_finely(
  field: Callable, origins, directions, near, far, coarse: int, fine: int, background=1.0, key=None
) -> Rendering:
  """What rays see, by `fine` intervals placed where `coarse` equal ones say that they end.

  (Hierarchical sampling, section 5.2, with one field for both.) No gradient goes through the first.
  """
  k_coarse, k_fine = (None, None) if key is None else jax.random.split(key)
  edges = even_edges(near, far, coarse)
  first = render(field, origins, directions, edges, key=k_coarse)
  edges = jnp.broadcast_to(edges, (*directions.shape[:-1], coarse + 1))
  edges = jax.lax.stop_gradient(fine_edges(edges, first.weights, fine))
  return render(field, origins, directions, edges, background, k_fine)


def lambert(normals, light, ambient: float):
  """The brightness [...] of surfaces with unit normals [..., 3], lit from the direction `light`.

  ambient + (1 - ambient) max(normal . light, 0), Lambert's cosine.
  """
  cosine = sum(normals[..., i] * light[i] for i in range(3))
  return ambient + (1 - ambient) * jnp.maximum(cosine, 0)
